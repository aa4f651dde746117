#!/usr/bin/env python3
"""Exports a checkpoint for each peer, in the form in which that peer is fastest.

    python bench/prepare_peers.py CHECKPOINT TEXTS

TEXTS is a file of plain lines; a hundred of them calibrate OpenVINO's quantization. Writes CHECKPOINT/peers/:
model.onnx (attention, layer norm and GELU fused), model.int8.onnx (dynamic, per channel), plain.onnx and
openvino.int8.xml (NNCF), ct2.int8/. A peer that cannot read the checkpoint is reported, and skipped by the
comparison.
"""
import pathlib
import sys

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForSequenceClassification


class Logits(torch.nn.Module):
    """The model as a function of two tensors, which is what the exporter wants."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).logits


def export_onnx(model, out):
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer
    ids = torch.randint(5, 1000, (2, 16))
    axes = {0: 'batch', 1: 'tokens'}
    # The older exporter: ONNX Runtime recognizes and fuses its attention, not the newer one's.
    torch.onnx.export(Logits(model), (ids, torch.ones_like(ids)), str(out / 'plain.onnx'), dynamo=False,
                      input_names=['input_ids', 'attention_mask'], output_names=['logits'], opset_version=17,
                      dynamic_axes={'input_ids': axes, 'attention_mask': axes, 'logits': {0: 'batch'}})
    config = model.config
    fused = optimizer.optimize_model(str(out / 'plain.onnx'), model_type='bert', hidden_size=config.hidden_size,
                                     num_heads=config.num_attention_heads, opt_level=0)
    fused.save_model_to_file(str(out / 'model.onnx'))
    quantize_dynamic(str(out / 'model.onnx'), str(out / 'model.int8.onnx'), per_channel=True,
                     weight_type=QuantType.QInt8, extra_options={'DefaultTensorType': 1})


def export_openvino(tokenizer, texts, out):
    import nncf
    import openvino

    def features(text):
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        return {'input_ids': ids, 'attention_mask': np.ones_like(ids)}

    quantized = nncf.quantize(openvino.Core().read_model(str(out / 'plain.onnx')), nncf.Dataset(texts, features),
                              model_type=nncf.ModelType.TRANSFORMER, subset_size=len(texts))
    openvino.save_model(quantized, str(out / 'openvino.int8.xml'))


def export_ctranslate2(folder, out):
    import ctranslate2
    ctranslate2.converters.TransformersConverter(str(folder)).convert(str(out / 'ct2.int8'), quantization='int8',
                                                                      force=True)


def main(folder, texts_file):
    folder = pathlib.Path(folder)
    out = folder / 'peers'
    out.mkdir(exist_ok=True)
    texts = [line for line in open(texts_file, encoding='utf-8').read().split('\n') if line.strip()][:100]
    model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation='eager').eval()
    tokenizer = Tokenizer.from_file(str(folder / 'tokenizer.json'))
    tokenizer.no_padding()
    tokenizer.enable_truncation(512)
    for name, export in [('ONNX Runtime', lambda: export_onnx(model, out)),
                         ('OpenVINO', lambda: export_openvino(tokenizer, texts, out)),
                         ('CTranslate2', lambda: export_ctranslate2(folder, out))]:
        try:
            export()
            print(f'{name}: done')
        except Exception as error:  # whatever a peer throws: it is left out, and that is said
            print(f'{name}: left out: {str(error).splitlines()[0] if str(error) else type(error).__name__}')


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
