"""Documents that can be told apart by a number that each version has for itself."""

import re
from collections.abc import Mapping
from pathlib import Path
from zlib import crc32

from rag.types import Document

Content = tuple[str, str]  # title and text
Contents = Mapping[str, Content | None]  # by id; None for a document that is gone

_PLACES = "重庆 成都 绵阳 宜宾 泸州 南充 达州 自贡 内江 遂宁 乐山 雅安 广安 资阳 眉山 万州".split()
_THINGS = "桥梁 茶馆 车站 机场 港口 书院 医院 公园 盐井 古镇 工厂 书店 剧院 水库 灯塔 码头".split()


def number(id: str, version: int) -> str:
    """Eight digits that no other version of any document has."""
    return f"{10_000_000 + crc32(f'{id}/{version}'.encode()) % 90_000_000}"


def text(id: str, version: int = 1, paragraphs: int = 1) -> str:
    """An article; the number stands in its first line."""
    seed = crc32(id.encode())
    place, thing = _PLACES[seed % 16], _THINGS[seed // 16 % 16]
    lines = [f"{place}的{thing}登记编号为{number(id, version)}，建成于{1900 + seed % 100}年。"]
    for n in range(paragraphs):
        lines.append(f"{thing}第{n + 1}期工程由{place}市政府出资，历时{n + 2}个月，占地{seed % 900 + n}亩。")
    return "\n\n".join(lines) + "\n"


def document(id: str, version: int = 1, paragraphs: int = 1) -> Document:
    """One as it would be posted."""
    return Document(id=id, text=text(id, version, paragraphs), title=f"{id}的登记", source="登记处")


def content(document: Document) -> Content:
    """What must come back of it."""
    return document.title, document.text


def numbers(content: Content) -> list[str]:
    """The numbers in a text by which its version is known."""
    return re.findall(r"编号为(\d{8})", content[1])


def question(content: Content) -> str:
    """What its first line answers."""
    return content[1].split("登记", 1)[0] + "登记编号是多少？"


def write_seeds(folder: Path, files: Mapping[str, int]) -> None:
    """Makes ``folder`` hold just these files, by name, in these versions."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in files:
            path.unlink()
    for name, version in files.items():
        (folder / name).write_text(f"# {name}一文\n\n{text(name, version)}", encoding="utf-8")
