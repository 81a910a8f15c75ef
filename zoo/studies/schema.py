"""What a study is made of: arms, claims, published figures."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reference:
    """A published figure.

    Attributes:
        metric: which metric it is of.
        value: as published.
        tolerance: how far the mean over seeds may be from it and still reproduce it.
        step: after how many training steps; None is the last that was measured.
        band: why the tolerance is more than the digits that were published; "" where it is not.
    """

    metric: str
    value: float
    tolerance: float
    step: int | None = None
    band: str = ""


@dataclass(frozen=True)
class Arm:
    """One of the things that a study compares.

    Attributes:
        label: what it is called.
        model: a model's name.
        data: a dataset's name.
        arguments: of the model's builder.
        training: of the model's `train`; an optimizer may be a name or a Keras configuration of one.
        settings: more of `zoo.get`: its engine, its dtype.
        published: figures that it should reproduce.
    """

    label: str
    model: str
    data: str
    arguments: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    settings: dict = field(default_factory=dict)
    published: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class Claim:
    """What a textbook would expect of the figures, looked at seed by seed.

    Attributes:
        text: the expectation, in a sentence.
        arm: whose figure.
        metric: which.
        relation: "<" or ">".
        than: a number, or the label of another arm with the same seed.
        times: factor on the other arm's figure.
        step: after how many training steps; None is the last that was measured.
        refuted: why the figures do not support it, where they are known not to; "" where they do.
    """

    text: str
    arm: str
    metric: str
    relation: str
    than: float | str
    times: float = 1.0
    step: int | None = None
    refuted: str = ""


@dataclass(frozen=True)
class Study:
    """A question with the experiment that answers it.

    Attributes:
        name: what it is asked for by.
        question: in a sentence.
        arms: what is compared.
        measures: names of probes, see `zoo.studies.probes`.
        table: the metrics that the table shows.
        figure: the function of `zoo.studies.figures` that draws it.
        shows: what it shows, as long as the claims come out as when this was written.
        claims: what a textbook would expect.
        seeds: how many seeds are run by default.
        minutes: about how long these take on two processor cores.
        source: where the published figures or the claims are from.
        drawing: further arguments of the figure's function.
        keeps_models: whether the first seed's trained models are kept; the figure needs them.
    """

    name: str
    question: str
    arms: tuple[Arm, ...]
    measures: tuple[str, ...]
    table: tuple[str, ...]
    figure: str
    shows: str
    claims: tuple[Claim, ...] = ()
    seeds: int = 3
    minutes: int = 1
    source: str = ""
    drawing: dict = field(default_factory=dict)
    keeps_models: bool = False
