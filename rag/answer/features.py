"""What speaks for a unit as the answer to a question, in numbers.

All features lie between about -1 and 3 and do not depend on how many documents there are, so that weights learnt on
one corpus hold on another. Terms are weighted by how rare they are in Chinese text at large, not in the corpus: one
article is too little to tell a name from a verb.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rag.answer import signs
from rag.answer.named import lacking
from rag.answer.nearness import Embed, cosines, longest_common, nearness, soft_shares
from rag.answer.rarity import Weight
from rag.answer.terms import headed, question_terms, terms
from rag.answer.units import Unit
from rag.followup import subjects
from rag.question import kind_of
from rag.types import Document, Hit

Matrix = NDArray[np.float32]

FREE = 0.5  # weight that is always met: one common word that is missing is no lack


class Features(NamedTuple):
    """One row. «Share» is always the share of the question's terms, by weight, that is found."""

    words: float  # share of words in the unit
    pairs: float  # share of pairs of characters in the unit
    characters: float
    words_around: float  # in the unit and its neighbours
    pairs_around: float
    words_passage: float  # in the passage and the title
    pairs_passage: float
    pairs_before: float  # in the sentence before
    pairs_after: float
    soft_words: float  # each word counts as much as the cosine of the unit's word that is nearest to it
    soft_around: float
    subject: float  # share of the phrase that the question is about, in the unit
    subject_around: float
    attribute: float  # share of the rest of the question
    attribute_around: float
    soft_missing: float  # weight of the word that comes least near to any of the unit, times how far it stays
    missing_unit: float  # weight of the rarest word that the unit lacks
    missing_around: float  # that the unit, its neighbours and the title lack
    longest_common: float  # substring, as a part of the question's length
    missing: float  # that the passage and the title lack
    noun_missing: float  # weight of the rarest noun that the unit, its neighbours and the title lack
    noun_absent: float  # that the passage and the title lack
    numbers_met: float  # numbers of the question that the unit has
    numbers_missing: float
    numbers_absent: float  # that not even the passage has
    names_missing: float  # weight of a name in the question that unit, neighbours and title lack
    names_short: float  # share of the names' weight that they lack
    names_absent: float  # weight of a name that not even the passage has
    names_share: float  # share of the names' weight that it lacks
    other_year: float  # the unit names a year, and not the question's
    cosine: float  # of question and unit
    cosine_around: float
    precision: float  # share of the unit's pairs that the question has
    pairs_lead: float  # behind the best unit's share
    around_lead: float
    cosine_lead: float
    soft_lead: float
    found: float  # something of the asked kind stands in the unit that the question does not say
    not_found: float
    none_found: float  # not even in the passage
    counted: float  # a number before the measure word that was asked for
    not_counted: float
    near: float  # share of the question that stands close to what is of the asked kind
    near_any: float  # close to any number or person
    focus: float  # share of the noun that the question word stands before
    no_focus: float
    novelty: float  # share of the unit's characters that the question does not have
    length: float
    short: float
    line: float  # a short line without a full stop: heading, caption, byline
    first: float  # the title itself
    position: float
    asks: float  # ends in a question mark
    part: float  # a part of a longer sentence
    rank: float  # of the passage
    passage_score: float  # as a part of the best passage's
    passage_gap: float
    passage_dense: float
    is_: float  # 是, 为, 指 …, where no special kind is asked for
    listed: float  # 、
    role: float  # a label such as 记者: that the question names
    length_of_question: float
    read: float  # log-odds that the answer begins in the unit, as the reader sees it; over 5
    read_lead: float  # behind the best unit's
    read_share: float  # as a probability beside all other units and «nowhere»
    read_rest: float  # log-odds that it begins in another sentence; over 5
    number: float  # the asked kind
    date: float
    person: float
    organisation: float
    place: float
    list_: float
    reason: float
    yesno: float
    other: float


NAMES = Features._fields
_KIND_FIELDS = ("number", "date", "person", "organisation", "place", "list", "reason", "yesno", "other")


def features(
    question: str,
    candidates: Sequence[Unit],
    hits: Sequence[Hit],
    documents: Mapping[str, Document],
    weight: Weight,
    embed: Embed,
    odds: Sequence[float],
    *,
    named: bool = True,
) -> Matrix:
    """One row of ``Features`` for each candidate: float32 ``(len(candidates), len(NAMES))``.

    ``odds`` are the reader's of the candidates (``rag.answer.consider``). Names count as missing only where the
    question is ``named`` in Chinese by the one who asks, not by a dictionary.
    """
    asked = question_terms(question)
    kind = kind_of(question)
    weights = {term: weight(term) for term in asked.words | asked.pairs | asked.characters}
    sought = signs.sought(asked.folded, kind)
    names = signs.names(asked.folded) if named else frozenset()
    nouns = asked.words & signs.nouns(asked.folded)
    years = frozenset(signs.YEAR.findall(asked.folded))
    focus = asked.pairs & {sought.focus[i : i + 2] for i in range(len(sought.focus) - 1)}
    cosine, cosine_around = cosines(question, candidates, embed)
    subject = terms(" ".join(question[start:end] for start, end in subjects(question)[:1])).pairs & asked.pairs
    attribute = asked.pairs - subject
    about = [(documents[u.document_id].published, documents[u.document_id].title) for u in candidates]
    owns = [terms(u.text, *of) for u, of in zip(candidates, about, strict=True)]
    soft, soft_missing = soft_shares(asked.words, weights, [own.words for own in owns], embed)
    arounds = [terms(f"{u.before}\n{u.text}\n{u.after}", *of) for u, of in zip(candidates, about, strict=True)]
    around_words = [around.words for around in arounds]
    soft_around, _ = soft_shares(asked.words, weights, around_words, embed)
    top = max(abs(hits[0].score), 1e-6) if hits else 1.0
    read, rest = _beside(odds, [(u.document_id, u.sentence) for u in candidates])

    def share(wanted: frozenset[str], found: frozenset[str], free: float = 0.0) -> float:
        total = sum(map(weights.__getitem__, wanted)) + free
        return (sum(map(weights.__getitem__, wanted & found)) + free) / total if total else 0.0

    rows = []
    for i, unit in enumerate(candidates):
        hit, document = hits[unit.hit], documents[unit.document_id]
        date, own, around = document.published, owns[i], arounds[i]
        passage, title = terms(hit.text, date), terms(headed(document))
        spots = signs.spots(own.folded, kind, asked.folded)
        any_spots = signs.spots(own.folded, "number", asked.folded) + signs.spots(own.folded, "person", asked.folded)
        unmet = [w for w in asked.words if w not in own.said]
        unmet_around = [w for w in unmet if w not in around.said and w not in title.folded]
        absent = [w for w in unmet_around if w not in passage.said]
        focused = len(focus & own.pairs) / len(focus) if focus else 0.0
        names_missing, names_short = lacking(names, f"{around.said}\n{title.said}", weight)
        names_absent, names_share = lacking(names, f"{passage.said}\n{title.said}", weight)
        counted = bool(sought.counted and sought.counted.search(own.folded))
        rows.append(
            Features(
                words=share(asked.words, own.words),
                pairs=share(asked.pairs, own.pairs),
                characters=share(asked.characters, own.characters),
                words_around=share(asked.words, around.words),
                pairs_around=share(asked.pairs, around.pairs),
                words_passage=share(asked.words, passage.words | title.words),
                pairs_passage=share(asked.pairs, passage.pairs | title.pairs),
                pairs_before=share(asked.pairs, terms(unit.before, date).pairs),
                pairs_after=share(asked.pairs, terms(unit.after, date).pairs),
                soft_words=soft[i],
                soft_around=soft_around[i],
                subject=share(subject, own.pairs, FREE),
                subject_around=share(subject, around.pairs | title.pairs, FREE),
                attribute=share(attribute, own.pairs, FREE),
                attribute_around=share(attribute, around.pairs, FREE),
                soft_missing=soft_missing[i],
                missing_unit=max((weights[w] for w in unmet), default=0.0),
                missing_around=max((weights[w] for w in unmet_around), default=0.0),
                longest_common=longest_common(asked.folded, own.folded) / max(4, len(question)),
                missing=max((weights[w] for w in absent), default=0.0),
                noun_missing=max((weights[w] for w in unmet_around if w in nouns), default=0.0),
                noun_absent=max((weights[w] for w in absent if w in nouns), default=0.0),
                numbers_met=_some(sought.numbers & own.numbers),
                numbers_missing=_some(sought.numbers - own.numbers),
                numbers_absent=_some(sought.numbers - passage.numbers - title.numbers),
                names_missing=names_missing,
                names_short=names_short,
                names_absent=names_absent,
                names_share=names_share,
                other_year=float(bool(years and not years & own.numbers and signs.YEAR.search(own.said))),
                cosine=cosine[i],
                cosine_around=cosine_around[i],
                precision=len(own.pairs & asked.pairs) / max(4, len(own.pairs)),
                pairs_lead=0.0,
                around_lead=0.0,
                cosine_lead=0.0,
                soft_lead=0.0,
                found=float(bool(spots)),
                not_found=float(signs.has_signs(kind) and not spots),
                none_found=float(signs.has_signs(kind) and not signs.spots(passage.folded, kind, asked.folded)),
                counted=float(counted),
                not_counted=float(bool(sought.counted) and not counted),
                near=nearness(own.folded, spots, asked.pairs, weights),
                near_any=nearness(own.folded, any_spots, asked.pairs, weights),
                focus=focused,
                no_focus=1 - focused if focus else 0.0,
                novelty=1 - len(own.characters & asked.characters) / max(1, len(own.characters)),
                length=math.log1p(len(unit.text)) / 5,
                short=float(len(unit.text) < 12),
                line=float(unit.text[-1:].isalnum() and len(unit.text) < 30),
                first=float(unit.start < len(document.title) and unit.text in document.title),
                position=min(1.0, unit.start / 1000),
                asks=float(unit.text.endswith(("?", "？"))),
                part=float((unit.start, unit.end) != unit.sentence),
                rank=1 / (1 + unit.hit),
                passage_score=hit.score / top,
                passage_gap=(hits[0].score - hit.score) / top,
                passage_dense=hit.dense,
                is_=float(kind == "other" and bool(signs.IS.search(own.folded))),
                listed=min(4, own.folded.count("、")) / 4,
                role=float(any(label in asked.folded for label in signs.labels(own.folded))),
                length_of_question=len(asked.pairs) / 15,
                read=max(-4.0, odds[i] / 5),
                read_lead=0.0,
                read_share=read[i],
                read_rest=max(-4.0, rest[i] / 5),
                **{"list_" if name == "list" else name: float(name == kind) for name in _KIND_FIELDS},
            )
        )
    matrix = np.array(rows, dtype=np.float32).reshape(len(candidates), len(NAMES))
    for lead, of in (
        ("pairs_lead", "pairs"),
        ("around_lead", "pairs_around"),
        ("cosine_lead", "cosine"),
        ("soft_lead", "soft_words"),
        ("read_lead", "read"),
    ):
        column = matrix[:, NAMES.index(of)]
        matrix[:, NAMES.index(lead)] = column - column.max(initial=-1.0)
    return matrix


def _some(words: frozenset[str]) -> float:
    return min(3, len(words)) / 2


def _beside(odds: Sequence[float], sentence: Sequence[object]) -> tuple[list[float], list[float]]:
    """For each unit the probability beside the others and «nowhere», and the log-odds of the other sentences.

    Parts of one sentence overlap: of each sentence only the best part counts.
    """
    best: dict[object, float] = {}
    for value, key in zip(odds, sentence, strict=True):
        best[key] = max(best.get(key, value), value)
    total = float(np.logaddexp.reduce([0.0, *best.values()]))
    rest = {key: float(np.logaddexp.reduce([-20.0, *(v for k, v in best.items() if k != key)])) for key in best}
    return [float(np.exp(value - total)) for value in odds], [rest[key] for key in sentence]
