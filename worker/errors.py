"""Why a generation cannot be done; `code` is what the task's owner is told."""


class EngineError(Exception):
    """Base: the fault lies with this model and what was asked of it, not with the worker."""

    code = "generation_failed"

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(f"{model}: {reason}")
        self.model = model


def bare(error: Exception, model: str) -> EngineError:
    """What its tasks are told of it, without its frames: they keep the call's tensors, and the model, in memory."""
    told = error if isinstance(error, EngineError) else EngineError(model, type(error).__name__)
    told.__cause__ = told.__context__ = None
    return told.with_traceback(None)


class ModelUnavailable(EngineError):
    """The model is not in the catalogue or cannot be loaded."""

    code = "model_unavailable"


class ReferenceUnreadable(EngineError):
    """A reference image of the task has gone or cannot be decoded."""

    code = "reference_unreadable"


class KindUnsupported(EngineError):
    """The model is said to make this kind, and this worker cannot."""

    code = "kind_unsupported"


class LoraUnavailable(EngineError):
    """A LoRA of the task is not in the catalogue any more or cannot be loaded."""

    code = "lora_unavailable"


class BadPicture(EngineError):
    """The model made no picture: not numbers, or one colour all over, in full precision too."""

    code = "bad_picture"


class ContentRefused(EngineError):
    """The model's own safety checker does not let the picture out."""

    code = "content_refused"


class ProviderError(EngineError):
    """The user's own provider did not make the picture; `code` is the reason."""

    def __init__(self, model: str, code: str) -> None:
        super().__init__(model, code)
        self.code = code


class OutOfMemory(EngineError):
    """The device has not enough memory for this."""

    code = "out_of_memory"


class DeviceBroken(EngineError):
    """The device has failed: only another process can use it again."""

    code = "device_broken"
