#!/usr/bin/env python3
"""Losses of six AdamW steps on a sample in fp32, full and LoRA, with two more heads and without, by PyTorch and PEFT; printed for
LossTests.swift. What stands behind the head (Gemma-2's cap) stands behind the further heads too.

    pip install torch transformers peft && python make_losses.py ../../../Samples/fables-llama
    python make_losses.py ../../../Samples/fables-gemma2
"""
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

rows = [[(7 * i * i + 31 * i + 5 * r) % 2000 for i in range(18 - 5 * r)] for r in range(2)]


def loss_of(model, heads):
    """The next token's loss, and of each further head the loss of the token one place further, all by the count of next tokens."""
    total = [0] * (1 + len(heads))
    count = 0
    for row in rows:
        output = model(torch.tensor([row]), output_hidden_states=True)
        x, logits = output.hidden_states[-1][0], [output.logits[0]]
        cap = getattr(model.config, "final_logit_softcapping", None)
        capped = (lambda z: cap * torch.tanh(z / cap)) if cap else lambda z: z
        logits += [capped(model.get_output_embeddings()(x @ head.T)) for head in heads]
        for i, z in enumerate(logits):
            total[i] = total[i] + torch.nn.functional.cross_entropy(z[: -1 - i].float(), torch.tensor(row[1 + i :]), reduction="sum")
        count += len(row) - 1
    return [x / count for x in total]


def run(model, lr, further=0):
    heads = [torch.nn.Parameter(torch.eye(model.config.hidden_size)) for _ in range(further)]
    trained = [p for p in model.parameters() if p.requires_grad] + heads
    opt = torch.optim.AdamW(trained, lr=lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    losses = []
    for _ in range(6):
        each = loss_of(model, heads)
        loss = sum(each)
        losses.append([x.item() for x in each] if heads else loss.item())
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
    return losses


def load(dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=dtype, attn_implementation="eager")


def mixed(dtype, lr):
    """Forward and backward of each row in dtype; weights, the sum of the rows' gradients and AdamW in fp32."""
    master, narrow = list(load().parameters()), load(dtype)
    opt = torch.optim.AdamW(master, lr=lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    losses = []
    for _ in range(6):
        opt.zero_grad()
        for m, n in zip(master, narrow.parameters()):
            n.data.copy_(m.data)
            m.grad = torch.zeros_like(m)
        count, total = sum(len(row) - 1 for row in rows), 0
        for row in rows:
            narrow.zero_grad()
            logits = narrow(torch.tensor([row])).logits[0, :-1].float()
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(row[1:]), reduction="sum") / count
            loss.backward()
            total += loss.item()
            for m, n in zip(master, narrow.parameters()):
                m.grad += n.grad.float()
        losses.append(total)
        torch.nn.utils.clip_grad_norm_(master, 1.0)
        opt.step()
    return losses


def adapted():
    lora = get_peft_model(load(), LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    for name, p in lora.named_parameters():
        if "lora_" in name:
            i = torch.arange(p.numel(), dtype=torch.float64) + 1
            p.data = (0.1 * torch.sin(i) if "lora_A" in name else 0.02 * torch.cos(i)).float().reshape(p.shape)
    return lora


for further in (0, 2):
    print("full", further, run(load(), 1e-3, further))
    print("lora", further, run(adapted(), 1e-2, further))
for dtype in (torch.bfloat16, torch.float16):
    print("full", dtype, mixed(dtype, 1e-3))
