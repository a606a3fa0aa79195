"""Passages made for the tests of training, four questions on each."""

from rag.types import Document
from training.questions import Question

TOWNS = "青江 白沙 柳林 石门 云岭 南屏 东湖 西坪 北渡 桃溪 竹山 松岗 梅村 兰溪 菊园 荷塘".split()


def passage(number: int) -> tuple[Document, list[Question]]:
    town, year = TOWNS[number], 1950 + number
    sentences = [
        f"{town}大桥建成于{year}年，横跨{town}河两岸。",
        f"大桥全长{300 + 7 * number}米，桥面宽{10 + number}米。",
        f"{town}大桥的设计师是王{town[0]}明，他是本地人。",
        "两岸居民从此往来方便，集市也更加热闹，每到周末都有许多外地客人前来游览观光。",
        "桥头立有石碑，记述修桥的经过和捐款人的姓名，碑文由当地的一位老先生书写。",
    ]
    text = "".join(sentences)
    asked = [
        (f"{town}大桥建成于哪一年？", f"{year}年"),
        (f"{town}大桥全长多少米？", f"{300 + 7 * number}米"),
        (f"{town}大桥的设计师是谁？", f"王{town[0]}明"),
        (f"{year}年建成的大桥在哪里？", f"横跨{town}河两岸"),
    ]
    document = Document(id=f"p{number}", title=f"{town}大桥", text=text)
    return document, [Question(q, document.id, a, text.index(a)) for q, a in asked]
