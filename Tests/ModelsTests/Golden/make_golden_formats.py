"""What Hugging Face transformers computes on the bundled samples after .to(torch.bfloat16) and .to(torch.float16), for FormatGoldenTests.swift.

    venv/bin/python Tests/ModelsTests/Golden/make_golden_formats.py        (the venv of make_golden.py)

Writes fables-llama.formats.json and fables-gpt2.formats.json: for each format and some modules, 48 elements of the output by their
row-major positions. Eager attention, one thread, torch 2.15, transformers 5.23.
"""
import json
import pathlib

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).parent
SAMPLES = HERE.parent.parent.parent / "Samples"
PROMPT = "When Mia and Tom went to the market, Tom gave a ring to"
NAMES = {
    "fables-llama": ["model.embed_tokens", "model.layers.0.input_layernorm", "model.layers.0.self_attn.q_proj", "model.layers.0.self_attn",
                     "model.layers.0.mlp", "model.layers.1", "model.layers.4", "model.norm", "lm_head"],
    "fables-gpt2": ["transformer.wte", "transformer.h.0.ln_1", "transformer.h.0.attn", "transformer.h.0.mlp.act", "transformer.h.0.mlp",
                    "transformer.h.1", "transformer.h.4", "transformer.ln_f", "lm_head"],
}
torch.set_num_threads(1)
for sample, names in NAMES.items():
    ids = AutoTokenizer.from_pretrained(SAMPLES / sample)(PROMPT, return_tensors="pt").input_ids
    out = {}
    for label, dtype in dict(bf16=torch.bfloat16, fp16=torch.float16).items():
        model = AutoModelForCausalLM.from_pretrained(SAMPLES / sample, dtype=dtype, attn_implementation="eager").eval()
        kept = {}
        for name, module in model.named_modules():
            if name in names:
                module.register_forward_hook(
                    lambda m, a, y, name=name: kept.__setitem__(name, (y[0] if isinstance(y, tuple) else y).detach().float().flatten()))
        with torch.no_grad():
            model(ids, use_cache=False)
        out[label] = {n: dict(positions=(p := [i * (kept[n].numel() - 1) // 47 for i in range(48)]), elements=kept[n][p].tolist()) for n in names}
    (HERE / f"{sample}.formats.json").write_text(json.dumps(out) + "\n")
