"""Writes tests/data/quantization/*.bin: what bitsandbytes makes of fixed values.

Made with torch 2.15 and bitsandbytes 0.50.2. Run from the repository root:

    python tools/make_quantization_goldens.py

Each file holds little-endian arrays one after the other, in the order of the write() calls below.
"""

import pathlib

import bitsandbytes.functional as bnb
import numpy as np
import torch

FOLDER = pathlib.Path("tests/data/quantization")


def write(name: str, *arrays) -> None:
    data = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
    (FOLDER / name).write_bytes(data)
    print(name, len(data))


def nested(absmax: torch.Tensor):
    """The second quantization as bitsandbytes does it on a CPU. Its kernels for a GPU search for the nearest code, where
    this one looks it up in a table of 65,536 values: next to a midpoint the two may differ by one code."""
    offset = absmax.mean()
    codes, state = bnb.quantize_blockwise(absmax - offset, code=bnb.create_dynamic_map(), blocksize=256)
    return codes.flatten(), state.absmax, offset


def nf4(name: str, values: torch.Tensor) -> None:
    """int32 {count, blocks, nested blocks}, values, packed, absmax, codes, nested absmax, offset, restored, weights."""
    packed, plain = bnb.quantize_4bit(values, blocksize=64, quant_type="nf4")
    again, state = bnb.quantize_4bit(values, blocksize=64, quant_type="nf4", compress_statistics=True)
    assert torch.equal(packed, again)
    state.absmax, state.state2.absmax, state.offset = nested(plain.absmax)
    restored = bnb.dequantize_blockwise(state.absmax, state.state2) + state.offset
    weights = bnb.dequantize_4bit(again, state)
    sizes = np.array([values.numel(), plain.absmax.numel(), state.state2.absmax.numel()], dtype=np.int32)
    write(
        name,
        sizes,
        values.numpy(),
        packed.numpy(),
        plain.absmax.numpy(),
        state.absmax.numpy(),
        state.state2.absmax.numpy(),
        np.float32(state.offset.item()),
        restored.numpy(),
        weights.numpy(),
    )


def main() -> None:
    generator = torch.Generator().manual_seed(4)
    FOLDER.mkdir(parents=True, exist_ok=True)
    write("dynamic_map.bin", bnb.create_dynamic_map().numpy())
    # 300 blocks: more than one nested block of 256, the last one partial.
    nf4("nf4_normal.bin", torch.randn(300, 64, generator=generator) * 0.04)
    # A block of zeros, huge and tiny blocks, the codebook's own midpoints.
    edge = torch.zeros(4, 64)
    edge[1] = torch.linspace(-3e37, 3e37, 64)
    edge[2] = torch.linspace(-1e-37, 1e-37, 64)
    code = bnb.get_4bit_type("nf4", device="cpu")
    edge[3, :15] = (code[:-1] + code[1:]) / 2
    edge[3, 15:31] = code
    nf4("nf4_edges.bin", edge)
    # Blocks that straddle rows and a partial last block.
    nf4("nf4_partial.bin", torch.randn(5, 30, generator=generator))
    bits = torch.randint(-(2**31), 2**31 - 1, (4096,), generator=generator, dtype=torch.int32)
    floats = bits.view(torch.float32)
    write("bf16.bin", floats.numpy(), floats.to(torch.bfloat16).view(torch.uint16).numpy())


if __name__ == "__main__":
    main()
