"""Closed classes of Chinese that statements are taken apart and questions made by; nothing here knows a topic."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Of statements
LEADS = _words("在 于 与 和 同 向 对 从 由 以 为 给 通过 经")
JOINS = _words("、 和 与 及 以及 的 之 · 暨")
LIGHT = _words("则 却 又 还 也 都 便 就 更 曾 亦 才 刚 刚刚 并")  # what joins a clause to those before it
SAYS = _words(  # whose words follow, be it after a comma
    """
    称 说 表示 披露 报道 介绍 指出 认为 强调 宣布 显示 透露 获悉 发现 答复 建议 呼吁 提出 要求 看到 预计 预测 希望 相信
    警告 承认 写道 消息 坦言 直言 提醒 回应 解释 回忆 证实 声明 质疑 补充 告诉 说明 通报 规定 决定 确认 反映
    """
)
WITH = _words(  # verbs that say with what or whom something is done which comes after
    """
    联合 会同 携手 协同 协调 利用 依托 借助 围绕 根据 按照 结合 针对 遇 如遇 通过 邀请 安排 系 驻 任 牵头 以及 经过
    """
)
PLANS = _words("计划 预计 打算 准备 目标 可能 力争 争取 遭遇 对外")

# Of questions
FUTURE = _words(
    """
    将 拟 要 应 须 需 可 计划 预计 力争 必须 应当 需要 可以 准备 打算 希望 建议 呼吁 支持 将要 即将 有望
    """
)
STATES = _words(
    """
    无 采用 利用 使用 即 是 为 有 达 占 增长 下降 超过 位于 具有 属于 存在 保持 显示 表示 认为 指出 称 说 没有 成 达到
    坚持 实现 共有 拥有 现有 呈现 强调 要求
    """
)
ADVERBS = _words(
    """
    已 已经 正 正在 仍 还 也 都 又 再 曾任 继续 先后 再次 不 未 没 曾 曾经 刚 刚刚 不断 一直 始终 逐步 更 更加 尚 均 只
    就 便 则
    """
)
UNCOUNTED = _words("、 比 不 未 没 没有 低于 高于")
ALSO = _words("还 也 又 都 将 则 便 就 已 已经")
TAKES = _words("发布 公布 发表 召开 举行 公开 推出 宣布 开展 进行 启动 联手")  # an object
EVENTS = _words(  # verbs of what happens on a day, for a reason
    """
    签署 签订 达成 发布 公布 召开 举行 举办 成立 启动 揭牌 投用 开工 开业 开通 通车 建成 竣工 落成 上线 上映 上市
    发射 推出 出版 发行 当选 就任 担任 出任 接任 加入 出生 生于 逝世 去世 结婚 离婚 毕业 考入 获得 荣获 夺得 赢得
    提交 通过 批准 设立 创立 创办 创建 注册 收购 退出 撤离 访问 访华 抵达 到达 离开 登陆 登上 发生 爆发 实施 施行
    生效 启用 开放 开馆 开幕 闭幕 开赛 颁布 印发 出台 制定 修订 下发 作出 建立 组建 合并 更名 迁入 搬迁 关闭 停产
    停运 复牌 停牌 挂牌 入选 授予 评为 扣押 逮捕 起诉 宣判 判处 辞去 辞职 退休 进入 设置 引进 投产 运营 投入 收到
    接到 完成 参加 参观 考察 成为 迎来 建交 恢复 暂停 取消 推迟 放弃 拒绝 停止 没有 选择 开展 组织 采取 加快 推进
    发起 刊登 刊发 播出 首映 首播 演出 重新 采用 增加 减少 提高 降低 扩建 改建 修建 赠送 捐赠
    """
)
AWAY = _words("至 到 往 经 与 和 同")
NEARLY = _words("约 近 逾 余 大约 将近 接近 仅 至少 超 大概")
IN_ALL = _words("合计 总计 共计 共")
CHANGES = _words("增长 增加 上涨 上升 提高 提升 扩大 飙升 攀升 下跌 下降 下滑 减少 降低 回落 缩小 涨 跌 增 降 升")
AMOUNTS = frozenset("量额数率价值费积度长宽高深重速龄比润入益本款")  # last characters of what is itself an amount
PAPERS = (  # what a title names, by its last word; of two that fit, the longer first
    """
    框架协议 协议 建议 规划 方案 意见 办法 条例 规定 通知 报告 决定 公告 声明 计划 纲要 白皮书 指南 标准 公报 宣言
    备忘录 合同 清单 通告 倡议书 倡议 细则 规则 公约 条约 准则 议案 草案
    """
).split()
KINDS_OF = _words("领域 行业 产业 专业 方向 学科")  # of which there are many, so that one asks for which
LISTED = _words(  # what is named after its members
    """
    领域 方面 行业 产业 环节 问题 任务 项目 措施 国家 地区 城市 学科 专业 机构 部门 企业 单位 服务 产品 功能 技术 平台
    方式 形式 途径 渠道 手段 议题 内容 工作 岗位 方法 模式 因素 原因 条件 特点 优势 场景 县市 省份 活动 课程 材料 物资
    设备 设施
    """
)
BODIES = {
    **dict.fromkeys(("局", "总局", "厅", "部"), "哪个部门"),
    **{name: f"哪家{name}" for name in _words("公司 集团 银行 医院 研究院 俱乐部 出版社 交易所 博物馆")},
    **{name: f"哪所{name}" for name in _words("大学 学院")},
    **{name: f"哪个{name}" for name in _words("法院 研究所 实验室 委员会 协会 代表团")},
}
MAKES = _words("作为 列为 定为 视为 确定为 看作 当作 列入 纳入 改为 打造成 打造为 建设成为 建成")
BEFORE_LIST = _words("在 从 对 围绕 就 以 向 于 由 为")
COUNT = re.compile(r"^(?:[两二三四五六七八九十]|[2-9]|1\d)[大个项类种家所座条届批名位部款]$")
ONE = re.compile(r"^是(?P<one>一[种款项个家座所类部门支条])(?P<rest>.{3,40})$")
CALLED = re.compile(
    r"^(?P<head>(?:也|又|曾|常)?被?(?:称为|称作|誉为|命名为|评为|列为|确定为|认定为|更名为|改名为|定名为|称之为))"
    r"(?P<name>[^,，]{2,24})$"
)
