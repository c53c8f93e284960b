"""Fine-tuning one task from a pipeline that was refined on several (MT-BERT): what has to agree, before it starts."""

from collections.abc import Callable

from spacy.language import Language
from spacy.util import load_model

from ..errors import MedmtlError
from ..heads.head import Head


def check_refined(path: str) -> Callable[[Language], None]:
    """``spacy-medmtl.check_refined.v1``, for ``[initialize.after_init]``.

    Heads start anew on the encoder of the pipeline at ``path``, and their labels, found in the corpus at hand, must be
    those that they had there: with others it is another task than the encoder was refined for.
    The callback raises MedmtlError E324 where there is no such pipeline or no such head in it, E325 on other labels.
    """

    def check(nlp: Language) -> None:
        try:
            refined = load_model(path)
        except MedmtlError:
            raise
        except Exception as error:  # config, JSON, msgpack and missing modules raise many kinds
            raise MedmtlError("E324", path=path, problem=f"cannot be loaded ({type(error).__name__})") from error
        for name, pipe in nlp.components:
            if not isinstance(pipe, Head):
                continue
            if name not in refined.component_names:
                problem = f"has no component '{name}', but {refined.component_names}"
                raise MedmtlError("E324", path=path, problem=problem)
            known = getattr(refined.get_pipe(name), "labels", ())
            # as sets: heads start anew, so the order of columns does not matter
            if set(known) != set(pipe.labels):
                raise MedmtlError("E325", name=name, path=path, received=sorted(pipe.labels), expected=sorted(known))

    return check
