"""``medmtl serve``: a pipeline behind HTTP."""

from typing import Annotated

import typer
from wasabi import msg

from ..errors import MedmtlError
from .loading import Code, GpuId, Pipeline, load_pipeline, use_device


def serve(
    pipeline: Pipeline,
    host: Annotated[str, typer.Option(help="Address to listen at. By default this machine only.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8000,
    root_path: Annotated[str, typer.Option(help="Path under which a proxy shows the service, such as /nlp.")] = "",
    max_characters: Annotated[int, typer.Option(min=1, help="Characters of a note at most.")] = 100_000,
    max_notes: Annotated[int, typer.Option(min=1, help="Notes in a request at most.")] = 100,
    code: Code = None,
    gpu_id: GpuId = -1,
) -> None:
    """Serve a pipeline: POST /annotate, GET /health, /info, /docs, and a page at / to paste a note.

    Example: medmtl serve en_medmtl --port 8000

    It has no accounts and no encryption: leave it at 127.0.0.1, or put it behind a proxy that has. No text is logged.
    """
    try:
        import uvicorn

        from ..serving.app import Limits, make_app
    except ImportError as error:
        if error.name not in ("uvicorn", "fastapi", "fastapi_offline", "pydantic", "starlette"):
            raise
        raise MedmtlError("E511", package=error.name, extra="serve") from None
    use_device(gpu_id)
    nlp = load_pipeline(pipeline, code)
    limits = Limits(characters=min(max_characters, nlp.max_length), notes=max_notes)
    msg.info(f"Listening at http://{host}:{port}{root_path}")
    # Access logs hold addresses and paths only; errors are logged by their kind (see make_app).
    uvicorn.run(make_app(nlp, limits), host=host, port=port, root_path=root_path, log_level="warning")
