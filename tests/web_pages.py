# ruff: noqa: E501 (markup)
"""Saved web pages of many layouts, on topics of their own, and what an article reader should take from each."""

from dataclasses import dataclass

P = (
    "白河县图书馆新馆6月18日正式开放，建筑面积1.2万平方米，设阅览座位860个。",
    "馆长秦月介绍，新馆由旧粮库改造而成，保留了三座圆形粮仓，改作儿童阅览室、地方文献室和自习室。",
    "“粮仓的墙有半米厚，夏天不用开空调也很凉快。”秦月说，改造历时两年，总投资4300万元。",
    "据了解，新馆每天开放12小时，周一闭馆，持身份证即可借书，每人最多可借10册，借期30天。",
)
Q = (
    "6月以来，南湾渔港迎来休渔期，三百多条渔船全部回港，渔民趁着这段时间检修船只、修补渔网。",
    "老船长周海生今年61岁，他说，以前休渔就是打牌喝茶，现在镇里开了培训班，教大家用新的导航设备。",
    "镇渔业站统计，上半年全镇捕捞量为2.4万吨，比去年同期下降8%，但单价上涨，渔民收入基本持平。",
)
_LIST = "".join(
    f'<li><a href="/a/{number}.html">{name}</a></li>'
    for number, name in enumerate(
        [
            "老街的最后一家钟表店",
            "雨季来临山区道路巡查加密",
            "中学生发明盲道检测小车",
            "夜市摊位实行抽签",
            "古树有了身份证",
        ]
    )
)
_NAV = '<a href="/">首页</a> <a href="/news">新闻</a> <a href="/life">生活</a> <a href="/sports">体育</a> <a href="/video">视频</a>'
_FOOT = "<p>白河网版权所有 未经授权不得转载</p><p>某ICP备20230001号</p><p>联系我们 广告服务 招聘信息</p>"
_COMMENTS = (
    '<div class="comment-list"><h3>网友评论</h3><div class="comment-item"><span>山里人</span><p>我小时候在那个粮库旁边长大，'
    "没想到能变成图书馆，真好，周末一定带孩子去看看。</p></div><div class='comment-item'><span>匿名</span>"
    "<p>停车位够不够？上次去办事转了半个小时都没找到车位，希望有关部门考虑一下。</p></div></div>"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page's bytes, and the lines and fields of its article."""

    data: bytes
    lines: tuple[str, ...]
    title: str
    source: str | None = None
    published: str | None = None
    author: str | None = None
    url: str | None = None


def _html(head: str, body: str, *, charset: str = "utf-8", encoding: str = "utf-8", extra: str = "") -> bytes:
    meta = f'<meta charset="{charset}">' if charset else ""
    return f"<!DOCTYPE html><html><head>{meta}{head}</head><body{extra}>{body}</body></html>".encode(encoding)


def _p(lines: tuple[str, ...], open: str = "<p>　　", close: str = "</p>\n") -> str:
    return "".join(f"{open}{line}{close}" for line in lines)


TITLE = "旧粮库变身县图书馆"
META = "2023-06-18 09:12　来源：白河日报　作者：陆小满"
FISH = "休渔期的南湾渔港"

PAGES: dict[str, Page] = {}

PAGES["portal with indented paragraphs"] = Page(
    _html(
        f"<title>{TITLE}_白河网</title><link rel='canonical' href='https://www.example.cn/2023/0618/c1.html'>",
        f'<div class="top-nav">{_NAV}</div><div class="crumb">当前位置：<a href="/">首页</a> &gt; <a href="/l">文化</a> &gt; 正文</div>'
        f'<div class="main"><h1>{TITLE}</h1><div class="info"><span>{META}</span> <a href="#c">评论</a></div>'
        f'<div class="share">分享到：<a href="#">微信</a> <a href="#">微博</a> <a href="#">QQ空间</a></div>'
        f'<div class="content">{_p(P)}<p>　　（责任编辑：吴桐）</p></div>'
        f'<div class="related"><h3>相关阅读</h3><ul>{_LIST}</ul></div>{_COMMENTS}</div>'
        f'<div class="sidebar"><h3>热门文章</h3><ul>{_LIST}</ul></div><div class="footer">{_FOOT}</div>',
    ),
    (TITLE, f"{META} 评论", *P, "（责任编辑：吴桐）"),
    TITLE, "白河日报", "2023-06-18", "陆小满", "https://www.example.cn/2023/0618/c1.html",
)  # fmt: skip

PAGES["layout tables, gb2312"] = Page(
    _html(
        f'<meta http-equiv="Content-Type" content="text/html; charset=gb2312"><title>{FISH}-南湾新闻网</title>',
        f'<table width="960"><tr><td colspan="2">{_NAV}</td></tr><tr><td width="200" valign="top"><table><tr><td>推荐新闻</td></tr>'
        f"<tr><td><ul>{_LIST}</ul></td></tr></table></td><td><table><tr><td align=center><b><font size=5>{FISH}</font></b></td></tr>"
        "<tr><td align=center>南湾新闻网 2021年7月3日 15:20　来源：南湾日报</td></tr>"
        f"<tr><td><p>　　{Q[0]}<p>　　{Q[1]}<p>　　{Q[2]}</td></tr><tr><td align=right>编辑：谢桥</td></tr></table></td></tr>"
        f"<tr><td colspan=2 align=center>{_FOOT}</td></tr></table>",
        charset="", encoding="gb2312",
    ),
    (FISH, "南湾新闻网 2021年7月3日 15:20　来源：南湾日报", *Q, "编辑：谢桥"),
    FISH, "南湾日报", "2021-07-03",
)  # fmt: skip

PAGES["div soup"] = Page(
    _html(
        f"<title>{FISH} | 海岸周刊</title><meta property='og:title' content='{FISH}'>"
        "<meta property='og:site_name' content='海岸周刊'><meta property='article:published_time' content='2021-07-03T08:00:00+08:00'>",
        f'<div id=a1><div>{_NAV}</div></div><div id=a2><div><div>{FISH}</div><div>文／林岸</div>'
        f"<div><div>{Q[0]}</div><div></div><div><span>{Q[1]}</span></div><div>{Q[2]}</div></div></div>"
        f"<div><div>更多报道</div><div>{_LIST.replace('li>', 'div>')}</div></div></div><div>{_FOOT}</div>",
    ),
    (FISH, "文／林岸", *Q),
    FISH, "海岸周刊", "2021-07-03", "林岸",
)  # fmt: skip

PAGES["article tag"] = Page(
    _html(
        f"<title>{TITLE}</title><meta name='author' content='陆小满'>",
        f"<header><nav>{_NAV}</nav></header><main><article><header><h1>{TITLE}</h1><p>时间 <time datetime='2023-06-18'>6月18日</time></p>"
        f"</header>{_p(P[:2], '<p>')}<h2>夏天不用空调</h2>{_p(P[2:], '<p>')}<footer><p>本文由白河日报授权发布</p></footer></article>"
        f"<aside><h2>为你推荐</h2><ul>{_LIST}</ul></aside></main><footer>{_FOOT}</footer>",
    ),
    (TITLE, "时间 6月18日", *P[:2], "夏天不用空调", *P[2:], "本文由白河日报授权发布"),
    TITLE, None, "2023-06-18", "陆小满",
)  # fmt: skip

PAGES["line breaks instead of paragraphs"] = Page(
    _html(
        f"<title>{FISH}</title>",
        f'<div id="menu">{_NAV}</div><h2>{FISH}</h2><div>发布时间：2021-07-03 浏览次数：128</div>'
        f'<div id="zoom">　　{Q[0]}<br><br>\n　　{Q[1]}<br/>\n<br/>　　{Q[2]}<br></div><div>上一篇：<a href="1">渔歌</a></div>'
        f'<div>下一篇：<a href="3">灯塔</a></div><div id="foot">{_FOOT}</div>',
    ),
    (FISH, "发布时间：2021-07-03 浏览次数：128", *Q),
    FISH, None, "2021-07-03",
)  # fmt: skip

PAGES["wechat"] = Page(
    _html(
        '<title></title><meta property="og:title" content="旧粮库变身县图书馆" /><meta property="og:url" content='
        '"http://mp.weixin.qq.com/s?__biz=abc&amp;mid=1" /><meta property="og:site_name" content="微信公众平台" />'
        '<meta property="og:article:author" content="陆小满" />',
        '<div id="js_article"><div id="page-content"><div id="img-content"><h1 class="rich_media_title" id="activity-name">\n'
        f'{TITLE}\n</h1><div id="meta_content"><span class="rich_media_meta rich_media_meta_text">陆小满</span> '
        '<span class="rich_media_meta rich_media_meta_nickname" id="profileBt"><a href="javascript:void(0);" id="js_name">\n白河发布 </a></span>'
        ' <em id="publish_time" class="rich_media_meta rich_media_meta_text"></em></div>'
        '<div class="rich_media_content" id="js_content" style="visibility: hidden; opacity: 0;">'
        f'<section><p style="text-indent:2em"><span>{P[0]}</span></p><p><br/></p><section><section><p><strong>{P[1]}</strong></p></section>'
        f'</section><p><img data-src="x.jpg"/></p><p>{P[2]}</p><p><span>{P[3]}</span></p></section><p>编辑：吴桐</p></div>'
        '<div class="rich_media_tool"><a id="js_view_source">阅读原文</a><span>阅读 10万+</span><span>赞</span></div></div></div></div>'
        '<script>var msg_title = "x"; var ct = "1687050720"; var nickname = htmlDecode("白河发布");</script>',
    ),
    (TITLE, "陆小满 白河发布", *P, "编辑：吴桐"),
    TITLE, "白河发布", "2023-06-18", "陆小满", "http://mp.weixin.qq.com/s?__biz=abc&mid=1",
)  # fmt: skip

PAGES["lists in the article"] = Page(
    _html(
        "<title>家庭堆肥怎么做 - 绿色生活</title>",
        f'<ul class="nav">{_LIST}</ul><div class="post"><h1>家庭堆肥怎么做</h1><p>把厨余变成肥料并不难，准备一只带盖的桶和一些干树叶，'
        "两个月就能得到一桶黑土，阳台种菜正合适。</p><h2>需要的东西</h2><ul><li>带盖塑料桶一只，底部钻孔</li><li>干树叶或碎纸屑</li>"
        "<li>一把小铲子<ul><li>木柄的更顺手</li></ul></li></ul><h2>步骤</h2><ol><li>桶底铺一层干树叶，约五厘米厚。</li>"
        "<li><p>倒入切碎的菜叶果皮，再盖一层干树叶。</p><p>每次都要盖严。</p></li><li>每周翻动一次，保持潮湿但不积水。</li></ol>"
        "<p>肉类、油脂和奶制品不要放进去，容易招虫，也会发臭。</p></div>"
        f'<div class="side"><h4>热门推荐</h4><ul>{_LIST}</ul></div>',
    ),
    (
        "家庭堆肥怎么做",
        "把厨余变成肥料并不难，准备一只带盖的桶和一些干树叶，两个月就能得到一桶黑土，阳台种菜正合适。",
        "需要的东西", "• 带盖塑料桶一只，底部钻孔", "• 干树叶或碎纸屑", "• 一把小铲子", "• 木柄的更顺手",
        "步骤", "1. 桶底铺一层干树叶，约五厘米厚。", "2. 倒入切碎的菜叶果皮，再盖一层干树叶。", "每次都要盖严。",
        "3. 每周翻动一次，保持潮湿但不积水。", "肉类、油脂和奶制品不要放进去，容易招虫，也会发臭。",
    ),
    "家庭堆肥怎么做",
)  # fmt: skip

PAGES["nested quotes"] = Page(
    _html(
        "<title>一封旧信</title>",
        "<article><h1>一封旧信</h1><p>整理阁楼时，我在父亲的木箱里发现了一封没有寄出的信，信封上写着“青石镇小学 收”。</p>"
        "<blockquote><p>校长先生：您在来信中问起操场的事。</p><blockquote>操场若能在秋天以前修好，孩子们就不必在泥地里跑步了。</blockquote>"
        "<p>我已经同村里商量过，石料由我们出，人工由学校想办法。</p></blockquote>"
        "<p>信写到这里就断了。父亲常说的那句话是<q>事情要做完</q>，可这封信他没有写完。</p></article>",
    ),
    (
        "一封旧信", "整理阁楼时，我在父亲的木箱里发现了一封没有寄出的信，信封上写着“青石镇小学 收”。",
        "校长先生：您在来信中问起操场的事。", "操场若能在秋天以前修好，孩子们就不必在泥地里跑步了。",
        "我已经同村里商量过，石料由我们出，人工由学校想办法。",
        "信写到这里就断了。父亲常说的那句话是“事情要做完”，可这封信他没有写完。",
    ),
    "一封旧信",
)  # fmt: skip

PAGES["data table"] = Page(
    _html(
        "<title>上半年三县粮食产量公布_统计局</title><meta name='PubDate' content='2022-07-20 16:00'><meta name='ContentSource' content='市统计局'>",
        f"<div class='header'>{_NAV}</div><div class='box'><h3>上半年三县粮食产量公布</h3>"
        "<p>市统计局7月20日公布上半年粮食生产情况，三县夏粮总产量达到31.6万吨，比上年同期增长2.9%，其中小麦占八成以上。</p>"
        "<table border=1><caption>夏粮产量</caption><thead><tr><th>县</th><th>产量（万吨）</th><th>增长</th></tr></thead><tbody>"
        "<tr><td>白河</td><td>12.4</td><td>3.1%</td></tr><tr><td>南湾</td><td>8.7</td><td>-0.4%</td></tr>"
        "<tr><td rowspan=2>青石</td><td>10.5</td><td>5.5%</td></tr><tr><td>其中山区2.1</td><td></td></tr></tbody></table>"
        "<p>统计局表示，增产主要来自单产提高，播种面积与去年基本相同，秋粮长势目前总体好于常年。</p></div>"
        f"<div class='links'>{_LIST}</div>",
    ),
    (
        "上半年三县粮食产量公布",
        "市统计局7月20日公布上半年粮食生产情况，三县夏粮总产量达到31.6万吨，比上年同期增长2.9%，其中小麦占八成以上。",
        "夏粮产量", "县 | 产量（万吨） | 增长", "白河 | 12.4 | 3.1%", "南湾 | 8.7 | -0.4%", "青石 | 10.5 | 5.5%",
        "青石 | 其中山区2.1 |",
        "统计局表示，增产主要来自单产提高，播种面积与去年基本相同，秋粮长势目前总体好于常年。",
    ),
    "上半年三县粮食产量公布", "市统计局", "2022-07-20",
)  # fmt: skip

_WRONG = _html(f"<title>{FISH}</title>", f"<h1>{FISH}</h1>{_p(Q)}", charset="utf-8", encoding="gbk")
PAGES["wrong charset"] = Page(_WRONG, (FISH, *Q), FISH)
_LATIN = _html(f"<title>{FISH}</title>", f"<h1>{FISH}</h1>{_p(Q)}", charset="iso-8859-1", encoding="gbk")
PAGES["charset of another language"] = Page(_LATIN, (FISH, *Q), FISH)

PAGES["big5"] = Page(
    _html(
        "<title>山城老茶行熄燈</title>",
        "<div><h1>山城老茶行熄燈</h1><p>　　開業九十二年的「順興茶行」昨天熄燈，許多老顧客專程前來，買下最後一罐鐵觀音作紀念。</p>"
        "<p>　　第四代老闆林先生說，租約到期、孩子各有工作，決定讓老店在最好的時候說再見。</p></div>",
        charset="big5", encoding="big5",
    ),
    (
        "山城老茶行熄燈",
        "開業九十二年的「順興茶行」昨天熄燈，許多老顧客專程前來，買下最後一罐鐵觀音作紀念。",
        "第四代老闆林先生說，租約到期、孩子各有工作，決定讓老店在最好的時候說再見。",
    ),
    "山城老茶行熄燈",
)  # fmt: skip

PAGES["captions"] = Page(
    _html(
        f"<title>{FISH}</title>",
        f"<div class=wrap><h1>{FISH}</h1><figure><img src=a.jpg alt=渔港><figcaption>渔船停靠在南湾渔港。韩冬 摄</figcaption></figure>"
        f"<p>{Q[0]}</p><p align=center><img src=b.jpg></p><p align=center>▲渔民在修补渔网。</p><p>{Q[1]}</p><p>{Q[2]}</p></div>",
    ),
    (FISH, "渔船停靠在南湾渔港。韩冬 摄", Q[0], "▲渔民在修补渔网。", *Q[1:]),
    FISH,
)

PAGES["code"] = Page(
    _html(
        "<title>用十行代码统计词频 · 编程手记</title>",
        "<nav><a href=/>首页</a></nav><article class=post><h1>用十行代码统计词频</h1>"
        "<p>统计一篇文章里每个词出现多少次，是学习编程时常做的练习，用字典和一个循环就可以完成。</p>"
        "<pre><code>counts = {}\nfor word in words:\n    counts[word] = counts.get(word, 0) + 1\n\nprint(counts)</code></pre>"
        "<p>其中 <code>get</code> 的第二个参数是默认值，词第一次出现的时候，就从零开始计数。</p></article>",
    ),
    (
        "用十行代码统计词频",
        "统计一篇文章里每个词出现多少次，是学习编程时常做的练习，用字典和一个循环就可以完成。",
        "counts = {}", "for word in words:", "    counts[word] = counts.get(word, 0) + 1", "", "print(counts)",
        "其中 get 的第二个参数是默认值，词第一次出现的时候，就从零开始计数。",
    ),
    "用十行代码统计词频",
)  # fmt: skip

PAGES["parts side by side"] = Page(
    _html(
        f"<title>{TITLE}-白河网</title>",
        f"<div class=page><h1>{TITLE}</h1><div class=part><p>{P[0]}</p><p>{P[1]}</p></div><div class=ad-box><a href=x>装修季全场五折起</a></div>"
        f"<div class=part><h2>不用空调的夏天</h2><p>{P[2]}</p></div><div class=part><p>{P[3]}</p></div></div>"
        f"<div class=recommend><h3>猜你喜欢</h3><ul>{_LIST}</ul></div>",
    ),
    (TITLE, P[0], P[1], "不用空调的夏天", P[2], P[3]),
    TITLE,
)

PAGES["json-ld"] = Page(
    _html(
        '<title>休渔期的南湾渔港 - 海岸周刊</title><script type="application/ld+json">{"@context":"https://schema.org","@graph":[{"@type":'
        '"BreadcrumbList"},{"@type":"NewsArticle","headline":"休渔期的南湾渔港","datePublished":"2021-07-03T10:00:00+08:00",'
        '"dateModified":"2021-08-01","author":[{"@type":"Person","name":"林岸"}],"publisher":{"@type":"Organization","name":"海岸周刊"},'
        '"mainEntityOfPage":"https://example.org/fish"}]}</script>',
        f"<div class='teasers'><div><h3>{P[0][:20]}</h3><p>{P[1]}</p><a href=/1>全文</a></div></div><main><h1>{FISH}</h1>{_p(Q)}</main>",
    ),
    (FISH, *Q),
    FISH, "海岸周刊", "2021-07-03", "林岸", "https://example.org/fish",
)  # fmt: skip

PAGES["a date in the prose is no date of the page"] = Page(
    _html(
        "<title>县志里的大水</title>",
        "<h1>县志里的大水</h1><p>1931年7月28日，白河水位猛涨，三天之内淹没了沿岸二十七个村庄，县城南门外成了一片汪洋。</p>"
        "<p>1932年5月1日，新堤开工，来自五个县的民工在河岸上搭起窝棚，一直干到入冬才停下来。</p>",
    ),
    (
        "县志里的大水", "1931年7月28日，白河水位猛涨，三天之内淹没了沿岸二十七个村庄，县城南门外成了一片汪洋。",
        "1932年5月1日，新堤开工，来自五个县的民工在河岸上搭起窝棚，一直干到入冬才停下来。",
    ),
    "县志里的大水",
)  # fmt: skip

PAGES["verse"] = Page(
    _html(
        "<title>《渡口》_诗歌</title>",
        f"<div class=menu>{_NAV}</div><div class=poem><h1>渡口</h1><p>船在对岸等雾散<br>艄公把烟斗磕了三下<br>谁也没有先开口</p>"
        f"<p>灯亮了<br>水声近了又远</p></div><div class=foot>{_FOOT}</div>",
    ),
    ("渡口", "船在对岸等雾散", "艄公把烟斗磕了三下", "谁也没有先开口", "灯亮了", "水声近了又远"),
    "渡口",
)

PAGES["source wrapped by an editor"] = Page(
    _html(
        f"<title>\n  {FISH}\n</title>",
        f"<h1>\n{FISH[:5]}\n{FISH[5:]}\n</h1>\n<p>\n"
        + "\n".join(Q[0][start : start + 12] for start in range(0, len(Q[0]), 12))
        + f"\n</p><p>{Q[1]} See the\nharbour map.</p><p>{Q[2]}</p>",
    ),
    (FISH, Q[0], f"{Q[1]} See the harbour map.", Q[2]),
    FISH,
)
