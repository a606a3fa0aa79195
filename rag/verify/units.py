"""Units of measure: what can be told from each other, and what can be turned into each other."""

import re
from fractions import Fraction

_TABLE = """
length: 米 公尺 m =1; 公里 千米 km =1000; 厘米 公分 cm =1/100; 毫米 mm =1/1000; 纳米 nm =1/1000000000; 英里 =1609;
length: 英尺 =305/1000; 英寸 =254/10000; 海里 =1852
area: 平方米 ㎡ m² =1; 平方公里 平方千米 km² =1000000; 公顷 =10000; 亩 =2000/3; 英亩 =4047
volume: 立方米 m³ =1000; 升 公升 =1; 毫升 ml =1/1000
mass: 吨 公吨 =1000; 公斤 千克 kg =1; 斤 市斤 =1/2; 克 =1/1000; 毫克 mg =1/1000000; 磅 =4536/10000
yuan: 元 块钱 元人民币 圆 =1
dollar: 美元 美金 =1
hk: 港元 港币 =1
euro: 欧元 =1
yen: 日元 日圆 =1
pound: 英镑 =1
won: 韩元 韩圜 =1
twd: 新台币 台币 =1
%: % 个百分比 =1; 成 =10; ‰ =1/10
points: 个百分点 百分点 =1
times: 倍 =1
year: 年 周年 个年头 载 =1
decade: 年代 =1
century: 世纪 个世纪 =1
month: 个月 个多月 =1
days: 天 昼夜 =1; 个星期 星期 周 个礼拜 =7
hours: 小时 个小时 个钟头 =1; 分钟 =1/60; 秒 秒钟 =1/3600; 刻钟 =1/4
clock: 时 点 点钟 =1
age: 岁 =1
temperature: 摄氏度 ℃ °c =1
power: 瓦 =1; 千瓦 kw =1000; 兆瓦 mw =1000000
energy: 千瓦时 kwh =1
data: gb =1; mb =1/1024; tb =1024
"""
UNITS: dict[str, tuple[str, Fraction]] = {}
for _line in _TABLE.strip().splitlines():
    _kind, _, _groups = _line.partition(": ")
    for _group in _groups.strip(";").split(";"):
        _names, _, _size = _group.rpartition("=")
        UNITS |= {name: (_kind, Fraction(_size)) for name in _names.split()}

_BEFORE_OTHERS = {
    "成": "[长功为立员本]",
    "年": "代",
    "周": "[围边年]",
    "点": "[一二三四五六七八九零]",
    "时": "[代期]",
    "元": "[旦素]",
    "克": "[服]",
}
SYMBOLS = re.compile(
    "|".join(
        re.escape(name)
        + (f"(?!{_BEFORE_OTHERS[name]})" if name in _BEFORE_OTHERS else "")
        + ("(?![a-z])" if name.isascii() and name.isalpha() else "")
        for name in sorted(UNITS, key=len, reverse=True)
    )
)
CLASSIFIERS = frozenset(
    "个名位家所座届次项种部条人段集招栋层件支只艘本篇场句首对组批类份台辆架间处户级门套颗朵片张幅枚把根棵匹头群队回遍章节卷期代任国省市县区州镇"
    "村株排线步口起面道路度尾员颁款轮站字行页"
)
