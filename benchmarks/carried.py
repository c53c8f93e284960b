"""Whether Ray and Spark carry a pipeline to their workers, who find the same.

    python benchmarks/carried.py PIPELINE ray
    python benchmarks/carried.py PIPELINE spark

Wants ``pip install ray`` or ``pip install pyspark`` (and Java) beside this package. Exit status 1 where results differ.
"""

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language

TEXTS = ["No fever, but the left knee hurts.", "Mother had asthma.", "Chest pain since May?"] * 4
PACKAGES = {"ray": "ray", "spark": "pyspark"}


def labels(nlp: Language, text: str) -> list[Any]:
    doc = nlp(text)
    return [(key, span.label_, span.text) for key in sorted(doc.spans) for span in doc.spans[key]]


def by_ray(nlp: Language) -> list[Any]:
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    in_store = ray.put(nlp)
    task = ray.remote(labels)
    return list(ray.get([task.remote(in_store, text) for text in TEXTS]))


def by_spark(nlp: Language) -> list[Any]:
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    sent = session.sparkContext.broadcast(nlp)
    return list(session.sparkContext.parallelize(TEXTS, 2).map(lambda text: labels(sent.value, text)).collect())


def main(
    pipeline: Annotated[str, typer.Argument(help="A trained pipeline.")],
    engine: Annotated[str, typer.Argument(help="ray or spark.")],
) -> None:
    nlp = spacy.load(pipeline)
    is_same = {"ray": by_ray, "spark": by_spark}[engine](nlp) == [labels(nlp, text) for text in TEXTS]
    typer.echo(f"{PACKAGES[engine]} {version(PACKAGES[engine])}: {'the same' if is_same else 'other'} results")
    raise typer.Exit(int(not is_same))


if __name__ == "__main__":
    typer.run(main)
