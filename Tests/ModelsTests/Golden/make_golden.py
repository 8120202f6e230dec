"""What Hugging Face transformers computes on the bundled samples, for GoldenTests.swift.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors
    venv/bin/python Tests/ModelsTests/Golden/make_golden.py

Writes fables-llama.json, fables-gpt2.json and fables-gemma2.json beside itself. Each has, for every module of the model (and for the logits), the shape of its
output, its root mean square, and some of its elements by their row-major positions; the loss; and the greedy continuations of the sentences
of Samples/README.md. fp32, eager attention, one thread. Made with torch 2.15 and transformers 5.23.
"""
import json
import pathlib
import re

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = pathlib.Path(__file__).parent
SAMPLES = HERE.parent.parent.parent / "Samples"
PROMPTS = [
    "When Mia and Tom went to the market, Tom gave a ring to",
    "When Tom and Mia went to the market, Mia gave a ring to",
    "The red box holds a bell. The blue box holds a shoe. The red box holds a",
    "12 + 7 =",
    "There was once a",
]


def recorded(model, ids):
    values = {}

    def hook(name):
        def keep(module, args, output):
            y = output[0] if isinstance(output, tuple) else output
            if torch.is_tensor(y) and y.is_floating_point() and name not in values:
                values[name] = y.detach()[0]
        return keep
    handles = [m.register_forward_hook(hook(n)) for n, m in model.named_modules() if n]
    out = model(ids, use_cache=False)
    for handle in handles:
        handle.remove()
    values["logits"] = out.logits[0]
    loss = torch.nn.functional.cross_entropy(out.logits[0, :-1], ids[0, 1:]).item()
    return values, loss


def summary(y):
    flat = y.reshape(-1).double()
    positions = [round(i * (len(flat) - 1) / 4) for i in range(5)]
    return dict(shape=list(y.shape), rms=flat.square().mean().sqrt().item(), positions=positions, elements=[flat[p].item() for p in positions])


def main():
    torch.set_num_threads(1)
    for name in ("fables-llama", "fables-gpt2", "fables-gemma2"):
        folder = SAMPLES / name
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
        tokenizer = AutoTokenizer.from_pretrained(folder)
        ids = tokenizer(PROMPTS[0], return_tensors="pt").input_ids
        with torch.no_grad():
            values, loss = recorded(model, ids)
            greedy = {}
            for prompt in PROMPTS:
                start = tokenizer(prompt, return_tensors="pt").input_ids
                out = model.generate(start, max_new_tokens=24, do_sample=False, eos_token_id=None, pad_token_id=0)
                greedy[prompt] = dict(prompt=start[0].tolist(), ids=out[0, start.shape[1]:].tolist())
        skipped = re.compile(r"rotary_emb|drop|\.act$")
        golden = dict(input_ids=ids[0].tolist(), loss=loss, greedy=greedy, values={
            n: summary(y) for n, y in values.items() if not skipped.search(n)})
        lines = json.dumps(golden).replace(', "', ',\n"').replace('\n"rms', ' "rms').replace('\n"positions', ' "positions').replace('\n"elements', ' "elements')
        (HERE / f"{name}.json").write_text(lines + "\n")


if __name__ == "__main__":
    main()
