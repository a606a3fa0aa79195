"""Calibrate a reader on the written questions that were held out, as the service reads them.

    python -m training.calibrate_reader --data ../shared/train --model rag/models/reader-zh-v1

All held-out passages are put into one library; each question is searched in it, and its windows are read.
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from rag.answering.answerer import MOST_WINDOWS
from rag.answering.calibration import FILE, describe_calibration
from rag.answering.candidate_windows import rank_windows
from rag.answering.fit_calibration import ReadQuestion, ReadWindow, fit_calibration
from rag.answering.sentence_selection import select_statements
from rag.engine import Engine
from rag.types import Document
from training.reader_examples import Question, read_written_questions

MIX = "held-out written questions on encyclopaedia, law, papers and everyday documents, about half of them near misses"


def read_questions(engine: Engine, questions: list[Question], progress: Progress) -> Iterator[ReadQuestion]:
    """Read each question's windows as the service does, and judge what they say."""
    for question in progress.track(questions, description="read"):
        looked = engine.look(question.text)
        if not looked.query.parts:
            continue
        part, found = looked.query.parts[0], looked.found[0]
        candidates = rank_windows(part.words, found.hits, found.documents)[:MOST_WINDOWS]
        readings = engine.reader.read_windows(part.text, [(each.title, each.text) for each in candidates])
        windows = []
        for candidate, reading in zip(candidates, readings, strict=True):
            document, hit = found.documents[candidate.document_id], found.hits[candidate.hit]
            span = candidate.start + reading.start, candidate.start + reading.end
            statements = select_statements(document, (hit.start, hit.end), span, candidate.hit, 0.0)
            if not statements:
                continue
            said = [excerpt for statement in statements for excerpt in statement.excerpts]
            wanted = question.span if question.answerable and document.id == question.passage.id else None
            right = wanted is not None and any(e.start <= wanted[0] and wanted[1] <= e.end for e in said)
            windows.append(ReadWindow(reading.judgment, candidate.share, right))
        yield ReadQuestion(question.answerable, windows)


def main() -> None:
    """Calibrate and write the file beside the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder of the exported reader")
    parser.add_argument("--own", type=Path, default=Path("training/questions"))
    options = parser.parse_args()
    _, held_out = read_written_questions(options.data, options.own)
    passages = {question.passage.id: question.passage for question in held_out}
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        engine = Engine.open(Path(folder), reader=options.model)
        engine.add([Document(passage.id, passage.text, title=passage.title) for passage in passages.values()])
        questions = list(read_questions(engine, held_out, progress))
        engine.close()
    calibration = fit_calibration(questions, MIX)
    text = json.dumps(describe_calibration(calibration), ensure_ascii=False, indent=1)
    (options.model / FILE).write_text(text + "\n", encoding="utf-8")
    Console().print(text)


if __name__ == "__main__":
    main()
