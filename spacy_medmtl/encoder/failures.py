"""What an error is about, where that decides how to go on."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, of the machine or of a GPU. (torch's allocator on CPUs has no type of error for it.)"""
    import torch  # not before something failed: pipelines are loaded without it

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator: can't allocate memory" in str(error)
