"""The gradients that PyTorch computes on the bundled samples, for GoldenGradientTests.swift.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors
    venv/bin/python Tests/ModelsTests/Golden/make_golden_gradients.py

Writes NAME.gradients.json for fables-llama, fables-gpt2 and fables-gemma2 beside itself. The loss is the mean next-token cross entropy of the first
prompt of make_golden.py. Of every parameter, and of the output of every block, attention, MLP and norm, there are the shape of dloss/dvalue,
its root mean square, and twelve of its elements by their row-major positions, the largest among them. fp32, eager attention, one thread.
NAME.gradients.narrow.json has the same elements of the model after .to(torch.bfloat16) and .to(torch.float16), walked back in that format.
Made with torch 2.15 and transformers 5.23. Sums of 16-bit products differ from one generation of processors to the next, and GPT-2's gradients
with them; oneDNN is held to AVX-512 with BF16 and FP16, which adds both up in fp32.

With `wide` behind it, NAME.gradients.wide.json are the same elements in 16 bits where the two sums that PyTorch makes in fp32 and Mica in fp64
are made in fp64: those of a norm over a row, and the cross entropy. Products are the processor's own (AMX, torch 2.15, transformers 5.24).
"""
import json
import os
import pathlib
import re
import sys

WIDE = sys.argv[1:] == ["wide"]
os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_AMX" if WIDE else "AVX512_CORE_FP16"

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.gemma2.modeling_gemma2 import Gemma2RMSNorm
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from make_golden import PROMPTS, SAMPLES

HERE = pathlib.Path(__file__).parent
WATCHED = re.compile(r"(layers|h)\.\d+(\.(self_attn|attn|mlp|ln_1|ln_2|input_layernorm|post_attention_layernorm|pre_feedforward_layernorm|post_feedforward_layernorm))?$|embed_tokens$|\.norm$|ln_f$")


def kept(model):
    """Hooks that keep the gradient of what the watched modules return, by name."""
    values = {}

    def hook(name):
        def keep(module, args, output):
            y = output[0] if isinstance(output, tuple) else output
            y.retain_grad()
            values[name] = y
        return keep
    for name, module in model.named_modules():
        if WATCHED.search(name):
            module.register_forward_hook(hook(name))
    return values


def scale(x, epsilon):
    return (1 / torch.sqrt(x.double().square().mean(-1, keepdim=True) + epsilon)).float()


class WideLayerNorm(torch.autograd.Function):
    """PyTorch's backward, which reads the mean and 1/σ in the format of x, behind a forward whose moments are exact."""

    @staticmethod
    def forward(ctx, x, weight, bias, epsilon):
        d = x.double()
        mean = d.mean(-1, keepdim=True)
        r = 1 / torch.sqrt((d - mean).square().mean(-1, keepdim=True) + epsilon)
        ctx.save_for_backward(x, mean.to(x.dtype), r.to(x.dtype), weight, bias)
        return (((d - mean) * r).float() * weight.float() + bias.float()).to(x.dtype)

    @staticmethod
    def backward(ctx, g):
        x, *rest = ctx.saved_tensors
        return (*torch.ops.aten.native_layer_norm_backward(g, x, x.shape[-1:], *rest, [True] * 3), None)


def llama_norm(self, x):
    wide = x.float()  # once, as in the code that it stands for: gradients are rounded and added where they meet
    return self.weight * (wide * scale(wide, self.variance_epsilon)).to(x.dtype)


def widen():
    LlamaRMSNorm.forward = llama_norm
    Gemma2RMSNorm._norm = lambda self, x: x * scale(x, self.eps)
    torch.nn.LayerNorm.forward = lambda self, x: WideLayerNorm.apply(x, self.weight, self.bias, self.eps)


def summary(g):
    flat = g.reshape(-1)
    positions = {round(i * (len(flat) - 1) / 10) for i in range(11)} | {flat.abs().argmax().item()}
    positions = sorted(positions)
    rms = flat.double().square().mean().sqrt().item()
    return dict(shape=list(g.shape), rms=rms, positions=positions, elements=[flat[p].item() for p in positions])


def walked_back(name, dtype):
    """The ids, and of each parameter and watched output dloss/dvalue; the loss is in fp32 whatever the model is in."""
    model = AutoModelForCausalLM.from_pretrained(SAMPLES / name, dtype=dtype, attn_implementation="eager").eval()
    ids = AutoTokenizer.from_pretrained(SAMPLES / name)(PROMPTS[0], return_tensors="pt").input_ids
    values = kept(model)
    logits = model(ids, use_cache=False).logits[0]
    logits = logits.double() if WIDE else logits.float()
    torch.nn.functional.cross_entropy(logits[:-1], ids[0, 1:]).backward()
    gradients = {n: p.grad for n, p in model.named_parameters()}
    return ids, gradients | {n: y.grad[0] if y.ndim == 3 else y.grad for n, y in values.items()}


def narrow(name, golden):
    """The golden's elements, walked back in either format."""
    result = {}
    for label, dtype in dict(bf16=torch.bfloat16, fp16=torch.float16).items():
        found = walked_back(name, dtype)[1]
        result[label] = {n: found[n].float().reshape(-1)[s["positions"]].tolist() for n, s in golden["gradients"].items()}
    return json.dumps(result).replace('], "', '],\n"') + "\n"


def main():
    torch.set_num_threads(1)
    for name in ("fables-llama", "fables-gpt2", "fables-gemma2"):
        if WIDE:
            widen()
            golden = json.loads((HERE / f"{name}.gradients.json").read_text())
            (HERE / f"{name}.gradients.wide.json").write_text(narrow(name, golden))
            continue
        ids, gradients = walked_back(name, torch.float32)
        golden = dict(input_ids=ids[0].tolist(), gradients={n: summary(g) for n, g in gradients.items()})
        lines = json.dumps(golden).replace('}, "', '},\n"')
        (HERE / f"{name}.gradients.json").write_text(lines + "\n")
        (HERE / f"{name}.gradients.narrow.json").write_text(narrow(name, golden))


if __name__ == "__main__":
    main()
