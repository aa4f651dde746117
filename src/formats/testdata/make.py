"""Writes the small files of torch.save that torch_bin_test.cc reads (PyTorch 2.9, transformers not needed).

    python make.py            # torch.bin, torch_legacy.bin, expected.safetensors beside this script

The same tensors lie in all three: every dtype, a transposed one, two that share a storage, a scalar, an empty one.
"""
import collections
import os

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    torch.manual_seed(7)
    state = collections.OrderedDict()
    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16):
        state['float.' + str(dtype)[6:]] = torch.randn(2, 3).to(dtype)
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8):
        state['int.' + str(dtype)[6:]] = torch.randint(0, 100, (3,), dtype=dtype)
    state['bool'] = torch.tensor([True, False, True])
    state['parameter'] = torch.nn.Parameter(torch.randn(4))
    state['transposed'] = torch.randn(3, 2).t()
    state['strided'] = torch.randn(4, 6)[::2, 1::2]
    state['shared'] = torch.randn(8)
    state['shared.part'] = state['shared'][2:5]
    state['expanded'] = torch.arange(5).expand((1, -1))
    state['scalar'] = torch.tensor(3, dtype=torch.int64)
    state['empty'] = torch.zeros(0, 7)
    state._metadata = collections.OrderedDict([('', {'version': 1}), ('layer', {'version': 2})])
    torch.save(state, os.path.join(HERE, 'torch.bin'))
    torch.save(state, os.path.join(HERE, 'torch_legacy.bin'), _use_new_zipfile_serialization=False)
    save_file({name: tensor.detach().contiguous().clone() for name, tensor in state.items()},
              os.path.join(HERE, 'expected.safetensors'), metadata={'format': 'pt'})


if __name__ == '__main__':
    main()
