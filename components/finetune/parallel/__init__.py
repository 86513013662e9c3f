"""The ways for several processes to train one model, and the group of processes itself.

- `ddp`: the gradients are averaged over the ranks in every step; the same as one rank with W times the batch.
- `fsdp`: the same steps, each rank keeping a W-th of the weights and of the optimiser's state.
- `local-sgd`: the replicas' weights are averaged every H steps; the same as `ddp` for H = 1 and SGD.
- `parameter-server`: workers send gradients to servers, which hold the weights, and fetch the weights back.
- `hogwild`: processes write into the same weights in shared memory, without locks.

Every strategy runs the same loop (`finetune.loop`) through the same face, `Strategy`.
"""
