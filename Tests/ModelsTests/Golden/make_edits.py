"""Losses and gradients under edits, with hooks in transformers, for EditGoldenTests.swift:

    for name in llama gpt2 gemma2; do python make_edits.py Samples/fables-$name; done

prints for each case the mean next-token loss and the norm of the gradient of one weight of layer 1."""
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
path = sys.argv[1]
model = AutoModelForCausalLM.from_pretrained(path, torch_dtype=torch.float32, attn_implementation="eager")
ids = torch.tensor([AutoTokenizer.from_pretrained(path)("When Mia and Tom went to the market, Tom gave a ring to").input_ids])
llama, gemma = "gpt2" not in path, "gemma" in path      # Gemma's modules are called as Llama's
layers = model.model.layers if llama else model.transformer.h
attn = (lambda l: l.self_attn.o_proj) if llama else (lambda l: l.attn.c_proj)
norm = model.model.norm if llama else model.transformer.ln_f
size = 24 if gemma else 16
def head(layer, h):
    def hook(m, args):
        x = args[0].clone(); x[..., h*size:(h+1)*size] = 0; return (x,)
    return attn(layers[layer]).register_forward_pre_hook(hook)
def token(layer, t):
    def hook(m, a, out):
        out = out.clone(); out[:, t] = 0; return out
    return layers[layer].mlp.register_forward_hook(hook)
def scale(layer, f):
    def hook(m, a, out): return (out[0]*f,)+out[1:] if isinstance(out, tuple) else out*f
    return layers[layer].register_forward_hook(hook)
def freeze(f):
    kept = {}
    def hook(m, a, out):
        x = a[0]; c = x if llama else x - x.mean(-1, keepdim=True)
        r = (c.pow(2).mean(-1, keepdim=True) + (m.variance_epsilon if llama and not gemma else m.eps)).rsqrt()
        if "r" not in kept: kept["r"] = r.detach(); return out
        y = (m.weight + gemma) * c * kept["r"]
        return y if llama else y + m.bias
    return norm.register_forward_hook(hook)
def mask(layer, h, key, query):
    module = layers[layer].self_attn if llama else layers[layer].attn
    def hook(m, args, kw):
        bias = torch.triu(torch.full((15, 15), float("-inf")), 1).expand(1, 8, 15, 15).clone(); bias[0, h, query, key] = float("-inf")
        kw = dict(kw); kw["attention_mask"] = bias; return args, kw
    return module.register_forward_pre_hook(hook, with_kwargs=True)
def run(*hooks):
    if len(hooks) and hooks[0] == "freeze":
        h = [freeze(1)]; model(ids); h += [f() for f in hooks[1:]]
    else: h = [f() for f in hooks]
    model.zero_grad()
    out = model(ids, labels=ids); out.loss.backward()
    name = "model.layers.1.self_attn.v_proj.weight" if llama else "transformer.h.1.attn.c_attn.weight"
    g = dict(model.named_parameters())[name].grad
    for x in h: x.remove()
    return out.loss.item(), g.norm().item()
print("none", run())
print("knock-out L3H5", run(lambda: head(3, 5)))
print("zero *.2.mlp[token 4]", run(lambda: token(2, 4)))
print("scale layers.1 by 2", run(lambda: scale(1, 2)))
print("mask L2H3 hide key 4 query 9", run(lambda: mask(2, 3, 4, 9)))
print("scale layers.5 by 2, freeze", run("freeze", lambda: scale(5, 2)))
print("all three", run(lambda: head(3, 5), lambda: token(2, 4), lambda: scale(1, 2)))
