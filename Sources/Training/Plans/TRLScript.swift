/// The script that trains what a `TRLFolder` holds.
enum TRLScript {
    static let text = #"""
        """A finetune that Mica planned, with transformers, PEFT and TRL: the same rows in the same order, the same rates, the same beginning.

            torchrun --nproc-per-node 1 train.py [--unsloth]

        More processes share a step's micro-batches; their number must divide `accumulation` in plan.json. --unsloth loads the model through
        Unsloth (CUDA only), which trains without a mask: it gets the texts of a micro-batch in one row, with their lengths. The loss of each
        step goes to losses.jsonl.
        """
        import argparse
        import json
        import os
        import pathlib

        parser = argparse.ArgumentParser()
        parser.add_argument("--unsloth", action="store_true")
        parser.add_argument("--steps", type=int, help="fewer than planned")
        options = parser.parse_args()
        if options.unsloth:
            os.environ["UNSLOTH_RETURN_LOGITS"] = "1"
            try:
                from unsloth import FastLanguageModel  # before transformers, which it changes
            except (ImportError, NotImplementedError, RuntimeError) as error:
                raise SystemExit(f"--unsloth needs a GPU and the package unsloth: {error}")

        import torch
        from datasets import Dataset
        from peft import PeftModel
        from torch.utils.data import SequentialSampler
        from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, TrainerCallback
        from trl import SFTConfig, SFTTrainer

        here = pathlib.Path(__file__).parent
        plan = json.loads((here / "plan.json").read_text())
        world = int(os.environ.get("WORLD_SIZE", 1))
        if plan["accumulation"] % world:
            raise SystemExit(f"{world} processes do not divide the {plan['accumulation']} micro-batches of a step")
        if options.unsloth:
            # Of another length than its own, Unsloth would scale the model's rotation.
            context = AutoConfig.from_pretrained(plan["model"]).max_position_embeddings
            model, _ = FastLanguageModel.from_pretrained(plan["model"], dtype=torch.float32, load_in_4bit=False, max_seq_length=context)
        else:
            model = AutoModelForCausalLM.from_pretrained(plan["model"], dtype=torch.float32, attn_implementation="eager")
        if (here / "adapter").exists():
            model = PeftModel.from_pretrained(model, here / "adapter", is_trainable=True)
        tokenizer = AutoTokenizer.from_pretrained(plan["model"])
        if (here / "chat_template.jinja").exists():
            tokenizer.chat_template = (here / "chat_template.jinja").read_text()


        rows = [json.loads(line) for line in (here / "rows.jsonl").read_text().splitlines()]


        def rows_in_order():
            """The rows of one step after the other; a step with fewer than the others is filled up with rows that do not count."""
            nothing = {"input_ids": [0, 0], "labels": [-100, -100], "starts": [0, 0]}
            ordered = []
            for step in plan["order"]:
                for micro in step + [[]] * (plan["accumulation"] - len(step)):
                    ordered += [rows[i] for i in micro] + [nothing] * (plan["batch_size"] - len(micro))
            return Dataset.from_list(ordered)


        def collate(rows):
            """Pads to the right. A token sees those of its own text up to itself; positions begin anew in each text; padding sees itself."""
            length = max(len(row["input_ids"]) for row in rows)

            def filled(key, value):
                return torch.tensor([row[key] + [value] * (length - len(row[key])) for row in rows])

            place = torch.arange(length)
            starts = torch.stack([torch.cat([torch.tensor(row["starts"]), place[len(row["starts"]) :]]) for row in rows])
            seen = (place[None, None, :] >= starts[:, :, None]) & (place[None, None, :] <= place[None, :, None])
            mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
            return {
                "input_ids": filled("input_ids", 0), "labels": filled("labels", -100), "position_ids": place[None] - starts,
                "attention_mask": mask[:, None],
            }


        def joined(rows):
            """All texts in one row without padding, positions and lengths for each; a text's first token is nobody's next one."""
            positions = torch.tensor([[i - start for row in rows for i, start in enumerate(row["starts"])]])
            first = (positions[0] == 0).nonzero().flatten()
            labels = torch.tensor([[label for row in rows for label in row["labels"]]])
            labels[0, first] = -100
            return {
                "input_ids": torch.tensor([[token for row in rows for token in row["input_ids"]]]), "labels": labels,
                "position_ids": positions, "packed_seq_lengths": torch.diff(first, append=torch.tensor([positions.shape[1]])).int(),
            }


        class InOrder(SFTTrainer):
            def _get_train_sampler(self, *_):
                return SequentialSampler(self.train_dataset)


        class Unsloth(InOrder):
            """Unsloth does not say how many tokens of a step count, so a micro-batch's sum is divided here by the whole step's number."""

            def compute_loss(self, model, inputs, *_, **__):
                labels = inputs.pop("labels")[0, 1:]
                logits = model(**inputs).logits[0, :-1].float()
                step = plan["order"][self.state.global_step]
                counted = sum(label != -100 for micro in step for i in micro for label in rows[i]["labels"][1:])
                # The trainer takes the mean over micro-batches and processes.
                return torch.nn.functional.cross_entropy(logits, labels, reduction="sum") / counted * plan["accumulation"]


        class Losses(TrainerCallback):
            def on_log(self, args, state, control, logs=None, **_):
                if "loss" in (logs or {}) and state.is_world_process_zero:
                    with open(here / "losses.jsonl", "a") as out:
                        out.write(json.dumps({"step": state.global_step, "loss": logs["loss"]}) + "\n")


        (here / "losses.jsonl").unlink(missing_ok=True)
        config = SFTConfig(
            output_dir=str(here / "out"), per_device_train_batch_size=plan["batch_size"], max_steps=options.steps or plan["steps"],
            gradient_accumulation_steps=plan["accumulation"] // world, max_grad_norm=plan["max_grad_norm"], logging_steps=1,
            save_strategy="no", report_to=[], seed=plan["seed"], dataset_kwargs={"skip_prepare_dataset": True}, remove_unused_columns=False,
            max_length=None, bf16=False, use_cpu=not torch.cuda.is_available(), gradient_checkpointing=False, disable_tqdm=True, packing=False,
        )
        trained = [p for p in model.parameters() if p.requires_grad]
        # The rates stand in the plan, one a step, so the optimizer's own is 1.
        optimizer = torch.optim.AdamW(
            trained, lr=1.0, betas=(plan["beta1"], plan["beta2"]), eps=plan["eps"], weight_decay=plan["weight_decay"]
        )
        rates = plan["rates"]
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rates[min(step, len(rates) - 1)])
        trainer = (Unsloth if options.unsloth else InOrder)(
            model=model, args=config, train_dataset=rows_in_order(), data_collator=joined if options.unsloth else collate,
            processing_class=tokenizer, optimizers=(optimizer, schedule), callbacks=[Losses()],
        )
        if options.unsloth:
            trainer.model_accepts_loss_kwargs = False
        trainer.train()
        trainer.save_model(str(here / "out"))

        """#
}
