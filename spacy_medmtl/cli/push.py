"""``medmtl push``: a pipeline and its card to a model hub."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from wasabi import msg

from ..errors import MedmtlError
from .card import make_card
from .loading import Code, Pipeline, load_pipeline


def push(
    pipeline: Pipeline,
    repository: Annotated[str, typer.Argument(help="OWNER/NAME on the hub; made if it is not there.")],
    scores: Annotated[
        Path | None, typer.Option("--scores", "-s", help="JSON that 'medmtl evaluate' wrote, for the card.")
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Let everybody see a repository that is made.")] = False,
    message: Annotated[str, typer.Option("--message", "-m", help="Of the commit.")] = "Upload with spacy-medmtl",
    code: Code = None,
) -> None:
    """Push a pipeline to the Hugging Face hub, with a card as its README.

    Example: medmtl push en_medmtl clinic/en_medmtl --scores scores.json

    The repository is private unless '--public'. A pipeline holds words of its training texts (vocab/strings.json) and
    what its weights remember: push none that was trained on texts of patients unless those who lent them allow it. The
    token is that of 'hf auth login' or HF_TOKEN, the hub that of HF_ENDPOINT.
    """
    from huggingface_hub import HfApi

    nlp = load_pipeline(pipeline, code)
    card = make_card(nlp, scores)
    with tempfile.TemporaryDirectory() as folder:
        staged = Path(folder) / "pipeline"
        shutil.copytree(nlp.path, staged)
        (staged / "README.md").write_text(card, encoding="utf8")
        try:
            api = HfApi()
            api.create_repo(repository, private=not public, exist_ok=True)
            commit = api.upload_folder(repo_id=repository, folder_path=staged, commit_message=message)
        except Exception as error:  # the hub's, or of what it reads the network with: requests, httpx, by its version
            status = getattr(getattr(error, "response", None), "status_code", None)
            problem = type(error).__name__ if status is None else f"HTTP status {status}"
            raise MedmtlError("E507", received=repository, problem=problem) from error
    msg.good(f"Pushed {nlp.meta['lang']}_{nlp.meta['name']} {nlp.meta['version']} to {commit.commit_url}")
