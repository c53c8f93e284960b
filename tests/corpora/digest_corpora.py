"""What the converters make of the public corpora, span for span and without a word of text, to compare two versions.

    python tests/corpora/digest_corpora.py ../shared/corpora before.json     # the code as it was
    python tests/corpora/digest_corpora.py ../shared/corpora after.json --against before.json

Each Doc is kept as hashes of its text, tokens, sentences and turns of values, and with its spans by character offsets
and labels. What differs is printed; the exit status says whether anything does. ``--only`` takes names of converters.
``--records`` compares what the readers give, before anything is made of it: half a minute of CPU for all of them.
``--first N`` compares the Docs, the audits and the exports of the first N records of each file.
"""

import argparse
import gzip
import hashlib
import json
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import spacy
from spacy.tokens import Doc, DocBin
from typer.testing import CliRunner

from spacy_medmtl.cli import app
from spacy_medmtl.corpora.audit import Audit
from spacy_medmtl.corpora.formats.files import input_files
from spacy_medmtl.corpora.outputs import DocFile
from spacy_medmtl.corpora.reader import get_reader
from spacy_medmtl.corpora.writer import convert_records

# converter, inputs below the folder of corpora, language, settings
CONVERSIONS: list[tuple[str, list[str], str, dict[str, str]]] = [
    ("piboso", ["piboso/train.txt"], "en", {}),
    ("piboso", ["piboso/dev.txt"], "en", {}),
    ("covid_q", ["covid_q/train20.csv"], "en", {}),
    ("covid_q", ["covid_q/testB.csv"], "en", {}),
    ("mts_dialog", ["mts_dialog/TrainingSet.csv"], "en", {}),
    ("mts_dialog", ["mts_dialog/ValidationSet.csv"], "en", {}),
    ("kuake_qic", ["kuake_qic/train.json"], "zh", {}),
    ("imcs21_da", ["imcs21/da_dev.txt"], "zh", {}),
    ("imcs21_da", ["imcs21/aligned_dev.jsonl"], "zh", {}),
    ("imcs21_ner", ["imcs21/ner_dev"], "zh", {}),
    ("imcs21_ner", ["imcs21/aligned_dev.jsonl"], "zh", {}),
    ("imcs21_status", ["imcs21/aligned_dev.jsonl"], "zh", {}),
    ("imcs21_qa", ["imcs21/aligned_dev.jsonl"], "zh", {}),
    ("mqp", ["mqp/train.csv"], "en", {}),
    ("rqe", ["rqe/train_8588.xml"], "en", {}),
    ("rqe", ["rqe/dev_230.xml"], "en", {}),
    ("chip_sts", ["chip_sts/train.json"], "zh", {}),
    ("biosses", ["biosses/Annotation-Pairs.docx", "biosses/Annotator-Scores.docx"], "en", {}),
    ("bc2gm", ["mtl_bionlp/BC2GM-IOB/train.tsv"], "en", {}),
    ("bc2gm", ["mtl_bionlp/BC2GM-IOB/devel.tsv"], "en", {}),
    ("bc5cdr_iob", ["mtl_bionlp/BC5CDR-IOB/train.tsv"], "en", {}),
    ("bc5cdr_iob", ["mtl_bionlp/BC5CDR-IOB/devel.tsv"], "en", {}),
    ("ncbi_disease_iob", ["mtl_bionlp/NCBI-disease-IOB/train.tsv"], "en", {}),
    ("ncbi_disease_iob", ["mtl_bionlp/NCBI-disease-IOB/devel.tsv"], "en", {}),
    ("linnaeus", ["mtl_bionlp/linnaeus-IOB/train.tsv"], "en", {}),
    ("linnaeus", ["mtl_bionlp/linnaeus-IOB/devel.tsv"], "en", {}),
    ("pubtator", ["bc5cdr/CDR_TrainingSet.PubTator.txt"], "en", {}),
    ("pubtator", ["bc5cdr/CDR_DevelopmentSet.PubTator.txt"], "en", {}),
    ("bc5cdr_disease_half", ["bc5cdr/CDR_TrainingSet.PubTator.txt"], "en", {}),
    ("bc5cdr_chemical_half", ["bc5cdr/CDR_TrainingSet.PubTator.txt"], "en", {}),
    ("ncbi_disease", ["ncbi_disease/NCBItrainset_corpus.txt"], "en", {}),
    ("ncbi_disease", ["ncbi_disease/NCBIdevelopset_corpus.txt"], "en", {}),
    ("jnlpba", ["jnlpba/standoff_train.zip"], "en", {}),
    ("jnlpba", ["jnlpba/devel.tsv"], "en", {}),
    ("genia", ["genia/train.jsonl"], "en", {}),
    ("genia", ["genia/dev.jsonl"], "en", {}),
    ("quaero", ["quaero/train.zip"], "fr", {}),
    ("quaero", ["quaero/dev.zip"], "fr", {}),
    ("cmeee", ["cmeee_v2/train.json"], "zh", {}),
    ("negex", ["negex/train.tsv"], "en", {}),
    ("e3c", ["e3c/English"], "en", {}),
    ("nubes", ["nubes/train.zip"], "es", {}),
    ("healthsea", ["healthsea/train.jsonl"], "en", {}),
    ("chip_mdcfnpc", ["chip_mdcfnpc/train.jsonl"], "zh", {}),
    ("ddi2013", ["ddi2013/train.zip"], "en", {}),
    ("chemprot", ["chemprot/train.jsonl"], "en", {}),
    ("chemprot", ["chemprot/dev.jsonl"], "en", {}),
    ("ade", ["ade/DRUG-AE.rel"], "en", {}),
    # the formats of anyone's own data, on the public corpora that have them
    ("brat", ["quaero/dev.zip"], "fr", {}),
    ("brat", ["nubes/train.zip"], "es", {}),
    ("pubtator_any", ["ncbi_disease/NCBIdevelopset_corpus.txt"], "en", {}),
    ("conll", ["mtl_bionlp/NCBI-disease-IOB/devel.tsv"], "en", {}),
    ("prodigy", ["healthsea/train.jsonl"], "en", {}),
]
SAMPLE = Path(__file__).parents[2] / "assets" / "sample"
EXPORTED = ("genia", "e3c", "ade", "piboso", "rqe", "mts_dialog")  # their first conversion, in all export formats


def shortened(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode(errors="surrogatepass")).hexdigest()[:16]


def digest(doc: Doc) -> dict[str, Any]:
    return {
        "text": shortened(doc.text),
        "tokens": shortened([(token.text, bool(token.whitespace_)) for token in doc]),
        "unknown_spaces": bool(doc.has_unknown_spaces),
        "sentences": shortened([token.is_sent_start for token in doc]),
        "cats": doc.cats,
        "groups": {
            key: {
                "spans": [(span.start_char, span.end_char, span.label_) for span in group],
                "attrs": {
                    name: value if name.startswith(("annotated", "given")) else shortened(value)
                    for name, value in group.attrs.items()
                },
            }
            for key, group in doc.spans.items()
        },
    }


def run(*arguments: str) -> None:
    done = CliRunner().invoke(app, list(arguments))
    if done.exit_code:
        raise SystemExit(f"medmtl {' '.join(arguments)}\n{done.output}") from done.exception


def convert(name: str, inputs: list[Path], lang: str, settings: dict[str, str], exported: bool) -> dict[str, Any]:
    """Docs by part, the audit without paths, and hashes of the exports."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "x.spacy"
        options = ["--lang", lang, "--on-error", "report", "--dev-share", "0.3"]
        for key, value in settings.items():
            options += ["--set", f"{key}={value}"]
        run("convert", name, *map(str, inputs), "--output", str(output), *options)
        vocab = spacy.blank("xx").vocab
        parts = {
            part: [digest(doc) for doc in DocBin().from_disk(output.with_name(part)).get_docs(vocab)]
            for part in ("x.spacy", "x_dev.spacy")
        }
        report = json.loads(output.with_name("x.spacy.audit.json").read_text())
        changes = sorted(
            [
                c["file"].rpartition("/")[2],
                *(c[name] for name in ("line", "kind", "label", "outcome", "reason", "offsets")),
            ]
            for c in report["changes"]
        )
        counts = {Path(name).name: one for name, one in report["outputs"].items()}
        audit = {"notes": {note: n for note, n in report["notes"].items() if n}, "changes": changes, "counts": counts}
        return {"parts": parts, "audit": audit, "exports": exports(output, Path(folder)) if exported else {}}


def read_records(name: str, inputs: list[Path], settings: dict[str, str]) -> dict[str, Any]:
    """What a reader gives, a hash a record, and its audit."""
    reader = get_reader(name)
    read, _ = reader.configured(settings)
    audit = Audit("report")
    records = []
    for path in input_files(inputs, reader.suffixes, takes_folders=reader.takes_folders):
        for record in read(path, audit):
            # where a record stands: its line, for folders differ
            values = asdict(record, dict_factory=lambda items: {name: one for name, one in items if name != "file"})
            records.append(shortened(values))
    return {"parts": {"records": records}, "audit": audited(audit), "exports": {}}


def first_docs(name: str, inputs: list[Path], lang: str, settings: dict[str, str], n: int) -> dict[str, Any]:
    """Docs of the first ``n`` records of each of the first ``n`` files, their audit, and hashes of their exports."""
    reader = get_reader(name)
    read, scheme = reader.configured(settings)
    audit = Audit("report")
    paths = input_files(inputs, reader.suffixes, takes_folders=reader.takes_folders)[:n]
    with tempfile.TemporaryDirectory() as folder:
        output = DocFile(Path(folder) / "x.spacy")
        docs = []
        for doc in convert_records(
            lambda path, audit: islice(read(path, audit), n), scheme, paths, spacy.blank(lang), audit
        ):
            docs.append(digest(doc))
            output.add(doc)
        output.finish()
        return {"parts": {"docs": docs}, "audit": audited(audit), "exports": exports(output.path, Path(folder))}


def audited(audit: Audit) -> dict[str, Any]:
    changes = sorted([c.line, c.kind, c.label, c.outcome, c.reason, list(c.offsets)] for c in audit.changes)
    notes = {note: n for note, n in audit.notes.items() if n}
    return {"notes": notes, "changes": changes, "counts": dict(audit.left_out)}


def exports(source: Path, folder: Path) -> dict[str, str]:
    found = {}
    for form in ("brat", "jsonl", "conll"):
        target = folder / form
        run("export", form, str(source), "--output", str(target))
        files = sorted(target.iterdir()) if target.is_dir() else [target]
        found[form] = shortened([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])
    return found


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What differs between two digests of one conversion, the first few of each kind."""
    found: list[str] = []
    for part, docs in before["parts"].items():
        others = after["parts"][part]
        if len(docs) != len(others):
            found.append(f"{part}: {len(docs)} documents before, {len(others)} after")
        differing = [number for number, (one, other) in enumerate(zip(docs, others)) if one != other]
        if differing:
            found.append(f"{part}: {len(differing)} documents differ, the first {differing[:5]}")
        for number in differing[:3] if part != "records" else ():
            one, other = docs[number], others[number]
            found += [f"  {number} {key}" for key in one if key != "groups" and one[key] != other[key]]
            for key in sorted(one["groups"].keys() | other["groups"].keys()):
                groups = [value["groups"].get(key, {"spans": [], "attrs": None}) for value in (one, other)]
                spans = [Counter(map(tuple, group["spans"])) for group in groups]
                if groups[0] != groups[1]:
                    found.append(
                        f"  {number} {key}: lost {[*(spans[0] - spans[1])][:3]} new {[*(spans[1] - spans[0])][:3]}"
                        f" attrs {groups[0]['attrs']} -> {groups[1]['attrs']}"[:600]
                    )
    for name in ("notes", "counts"):
        if before["audit"][name] != after["audit"][name]:
            found.append(f"audit {name}: {_unlike(before['audit'][name], after['audit'][name])}"[:900])
    changes = [Counter(map(json.dumps, one["audit"]["changes"])) for one in (before, after)]
    for word, rest in (("gone", changes[0] - changes[1]), ("new", changes[1] - changes[0])):
        if rest:
            found.append(f"changes {word}: {rest.total()}, such as {[*rest][:2]}")
    found += [f"export {form}" for form, value in before["exports"].items() if after["exports"].get(form) != value]
    return found


def _unlike(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    keys = sorted(before.keys() | after.keys())
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--records", action="store_true")
    parser.add_argument("--first", type=int, metavar="N")
    options = parser.parse_args()
    earlier = json.loads(gzip.decompress(options.against.read_bytes())) if options.against else {}
    result: dict[str, Any] = {}
    n_different = 0
    jobs = [("sample", [SAMPLE / part], "en", {}) for part in ("train", "dev")]
    jobs += [
        (name, [options.corpora / file for file in files], lang, settings)
        for name, files, lang, settings in CONVERSIONS
    ]
    for name, inputs, lang, settings in jobs:
        if options.only and name not in options.only:
            continue
        if not all(file.exists() for file in inputs):
            print(f"{name}: not in {options.corpora}", file=sys.stderr)
            continue
        key = f"{name} {inputs[0].parent.name}/{inputs[0].name}"
        is_first = not any(known.startswith(f"{name} ") for known in result)
        if options.records:
            found_now = read_records(name, inputs, settings)
        elif options.first:
            found_now = first_docs(name, inputs, lang, settings, options.first)
        else:
            found_now = convert(name, inputs, lang, settings, name in EXPORTED and is_first)
        result[key] = json.loads(json.dumps(found_now))
        found = differences(earlier[key], result[key]) if key in earlier else ["was not there before"] * bool(earlier)
        n_different += bool(found)
        print(key, "differs" if found else "ok", *found, sep="\n    " if found else " ", flush=True)
    options.output.write_bytes(gzip.compress(json.dumps(result).encode(), 5))
    raise SystemExit(int(n_different > 0))


if __name__ == "__main__":
    main()
