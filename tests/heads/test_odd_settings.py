"""Every setting of every component refuses nonsense. The settings are those of the factories' default configs, so a new
one is tested as soon as it is there."""

import math
from functools import reduce
from importlib.metadata import entry_points
from operator import getitem

import pytest
import spacy
from confection import ConfigValidationError
from spacy.language import Language
from spacy.util import registry
from thinc.api import Config

from spacy_medmtl.errors import MedmtlError
from spacy_medmtl.settings import settings_of

FACTORIES = [point.name for point in entry_points(group="spacy_factories") if point.value.startswith("spacy_medmtl.")]
# what a config has to say beside the defaults, and settings that have none
NEEDED = {
    "medmtl_progressive_tok2vec": {"model": {"routes": ["easy", "hard"]}},
    "medmtl_masked_lm": {"model": {"tok2vec": {"route": "easy"}}},
}
# by the type of the default; a number of the other kind, a bool and a number in quotes are nonsense too
NONSENSE = {
    bool: [0, 1, "true", "", None, [], {}, math.nan],
    int: [-1, -(10**30), 10**30, True, 2.5, math.nan, math.inf, "3", "", None, [1], {}],
    float: [-1, -0.5, math.nan, math.inf, -math.inf, 10**30, True, "0.5", "", None, [0.5], {}],
    str: [-1, 0, 0.5, True, math.nan, "", " ", None, ["x"], {}],
    list: [-1, 0.5, True, "x", "", [""], [1], [None], ["x", "x"], [["x"]], {"x": 1}],
    dict: [-1, 0.5, True, "x", [], ["x"], {"x": 1}, {"x": None}, {"": "x"}],
    type(None): [-1, 0, True, "x", [], [-1], [0, 0], [1.5], ["x"], {"x": 1}],  # 'layers', null for all
}
# the kind of the text says more than that it is text: nothing else is taken
CHOICES = {"init", "view", "pooling", "mode", "conflicts", "context_kind"}
FIRST = 3  # so many of each setting's go through a config as well, which takes longer
# what other checks hold back: E001 and E334 say which routes there are
ROUTE = ("model", "tok2vec", "route")


def default_config(factory):
    spacy.blank("en").create_pipe(factory, config=NEEDED.get(factory, {}))  # spaCy knows defaults from then on
    return Config(Language.get_factory_meta(factory).default_config).merge(NEEDED.get(factory, {}))


def settings_in(config, path=()):
    for name, value in config.items():
        if not name.startswith("@"):
            yield (*path, name), value
            if isinstance(value, dict):
                yield from settings_in(value, (*path, name))


def nonsense(path, value):
    values = [-1, 0.5, True, "x", []] if is_promise(value) else NONSENSE[type(value)]
    if path == ROUTE:
        values = [wrong for wrong in values if wrong != ""]
    return [*values, "nonsense"] if path[-1] in CHOICES else values


def is_promise(value):
    return isinstance(value, dict) and any(name.startswith("@") for name in value)


def can_be_written(value):
    """Whether JSON, of which configs are made, has the value."""
    return not isinstance(value, (int, float)) or abs(value) < 10**18  # false for NaN


CONFIGS = {factory: default_config(factory) for factory in FACTORIES}
EVERY = [
    pytest.param(factory, path, wrong, id=f"{factory}-{'.'.join(path)}-{wrong!r}"[:100])
    for factory, config in CONFIGS.items()
    for path, value in settings_in(config)
    for wrong in nonsense(path, value)
]


@pytest.fixture(scope="module")
def nlp():
    return spacy.blank("en")


def names_it(path, text):
    """Whether an error says what is wrong: older ones say 'Route names' or 'Pooling'."""
    return path[-1].rstrip("s") in text.lower()


def test_all_settings_are_there():
    assert len(FACTORIES) >= 7
    settings = dict(settings_in(CONFIGS["medmtl_progressive_tok2vec"]))
    assert settings[("batch_tokens",)] == 4000
    assert settings[("model", "sharing", "coefficient_lr_scale")] == 200.0


@pytest.mark.parametrize(("factory", "path", "wrong"), EVERY)
def test_what_takes_a_setting_refuses_nonsense(nlp, factory, path, wrong):
    """Called as by a config, but without spaCy's check of types, which lets "3" pass as a number."""
    *place, setting = path
    block = reduce(getitem, place, CONFIGS[factory])
    if place:
        make = next(registry.get(key[1:], name) for key, name in block.items() if key.startswith("@"))
        given = {}
    else:
        make, given = registry.get("factories", factory), {"nlp": nlp, "name": factory}
    arguments = {name: value for name, value in block.items() if not name.startswith("@")}
    given |= registry.resolve({"settings": arguments}, validate=False)["settings"] | {setting: wrong}
    with pytest.raises(MedmtlError) as caught:
        make(**given)
    assert names_it(path, str(caught.value))


@pytest.mark.parametrize(
    ("factory", "path", "wrong"),
    [
        (factory, path, wrong)
        for factory, config in CONFIGS.items()
        for path, value in settings_in(config)
        for wrong in list(filter(can_be_written, nonsense(path, value)))[:FIRST]
    ],
)
def test_a_config_refuses_nonsense(nlp, factory, path, wrong):
    config = wrong
    for name in reversed(path):
        config = {name: config}
    with pytest.raises((MedmtlError, ConfigValidationError)) as caught:  # the second is spaCy's, of types
        nlp.create_pipe(factory, config=Config(NEEDED.get(factory, {})).merge(config))
    assert names_it(path, str(caught.value))


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_change_to_nonsense_is_refused(nlp, factory):
    component = nlp.create_pipe(factory, config=NEEDED.get(factory, {}))
    config = CONFIGS[factory]
    plain = {name for name, value in config.items() if not is_promise(value) and name != "model"}
    assert set(settings_of(type(component))) == plain
    for setting in plain:
        before = component.cfg[setting]
        assert before == config[setting]
        for wrong in nonsense((setting,), config[setting]):
            with pytest.raises(MedmtlError, match=f"E203.*'{setting}' of '{factory}'.*Expected"):
                component.cfg.update({setting: wrong})
            with pytest.raises(MedmtlError, match=f"E203.*'{setting}' of '{factory}'.*Expected"):
                setattr(component, setting, wrong)
        assert component.cfg[setting] == before
