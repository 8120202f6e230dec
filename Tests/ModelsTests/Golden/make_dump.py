#!/usr/bin/env python3
"""Writes dump-gemma2.safetensors: what every module of transformers' Gemma-2 returns for two tokens of the bundled sample, as the README's
hooks keep it.

    python3 make_dump.py            needs torch, transformers and safetensors
"""
import pathlib

import torch
import transformers
from safetensors.torch import save_file

here = pathlib.Path(__file__).resolve().parent
path, kept = here / "../../../Samples/fables-gemma2", {}
model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager")
ids = transformers.AutoTokenizer.from_pretrained(path)("Tom", return_tensors="pt").input_ids
for name, module in model.named_modules():
    module.register_forward_hook(lambda _, __, out, name=name: kept.update(
        {name or "logits": (out if torch.is_tensor(out) else out[0]).detach().clone()}))
model(ids)
save_file(kept | {"input_ids": ids}, here / "dump-gemma2.safetensors")
print(ids.tolist(), transformers.__version__, torch.__version__)
