#!/usr/bin/env python3
"""Losses of six AdamW steps on Samples/fables-llama in fp32, full and LoRA, by PyTorch and PEFT; printed for LossTests.swift.

    pip install torch transformers peft && python make_losses.py ../../../Samples/fables-llama
"""
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

rows = [[(7 * i * i + 31 * i + 5 * r) % 2000 for i in range(18 - 5 * r)] for r in range(2)]


def loss_of(model):
    total = count = 0
    for row in rows:
        logits = model(torch.tensor([row])).logits[0, :-1].float()
        total = total + torch.nn.functional.cross_entropy(logits, torch.tensor(row[1:]), reduction="sum")
        count += len(row) - 1
    return total / count


def run(model, lr):
    trained = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(trained, lr=lr, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    losses = []
    for _ in range(6):
        loss = loss_of(model)
        losses.append(loss.item())
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        opt.step()
    return losses


def load():
    return AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, attn_implementation="eager")


print("full", run(load(), 1e-3))
lora = get_peft_model(load(), LoraConfig(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
for name, p in lora.named_parameters():
    if "lora_" in name:
        i = torch.arange(p.numel(), dtype=torch.float64) + 1
        p.data = (0.1 * torch.sin(i) if "lora_A" in name else 0.02 * torch.cos(i)).float().reshape(p.shape)
print("lora", run(lora, 1e-2))
