// What the page says, in both languages. Functions take what is filled in.

const zh = {
  name: "成渝问答", ask: "提问", documents: "文档", api: "接口", skip: "跳到正文",
  language: "English", languageLabel: "Switch to English", dark: "深色", light: "浅色",
  themeLabel: "切换深色与浅色",
  // asking
  hero: "文章里写了什么，问就是了",
  lead: "答案逐句摘自文档，每一句都能点开原文核对；文档里没有的，直说没有。",
  leadEmpty: "现在还没有文档。先添加几篇，再来提问。",
  tryThese: "可以这样问", question: "问题", placeholder: "用中文或英文提问",
  hint: "回车发送，Shift+回车换行，Ctrl+K 回到这里", send: "提问", stop: "停止", stopped: "已停止。",
  again: "新对话", saveAll: "保存全部", thinking: "正在查找…",
  understood: (q) => `按此理解：${q}`, sure: (p) => `把握 ${p}%`, written: "由大模型写成，逐句核对过",
  notFound: "文档中没有答案", nearest: "最接近的段落", sources: "出处", reprints: (n) => `另有 ${n} 篇转载`,
  copy: "复制", copied: "已复制", save: "保存", retry: "重试",
  chip: (n, title) => `出处 ${n}：${title}`, page: (n) => `第 ${n} 页`,
  // one source
  source: "原文", close: "关闭", whole: "单独打开", original: "原网页", previous: "上一处", next: "下一处",
  place: (n, all) => `${n} / ${all}`, loading: "正在读取…", goneDocument: "这篇文档已经不在了。",
  changedDocument: "文档在作答之后改动过，这段引文已不在原处：", untitled: "无标题",
  // documents
  count: (d, c) => `${d} 篇文档，${c} 个片段`, model: "嵌入模型", since: "索引写于", size: "占用",
  add: "添加文档", update: "更新索引", updateHint: "重读 seeds 文件夹，只算有变化的", full: "全部重算",
  fullHint: "全部重新嵌入，换模型后用", find: "在全文里找", findLabel: "在所有文档的全文里找",
  findNone: "没有找到。", found: (n) => `找到 ${n} 篇`, clear: "清除", more: "更多", none: "还没有文档。把文件拖到这里，或点“添加文档”。",
  chunks: (n) => `${n} 个片段`, correct: "改正", remove: "删除",
  openLabel: (t) => `打开《${t}》`, correctLabel: (t) => `改正《${t}》的标题和日期`, removeLabel: (t) => `删除《${t}》`,
  removed: (t) => `已删除《${t}》`, undo: "撤销",
  removeFailed: (t) => `《${t}》没有删掉：`, addedNow: "刚添加",
  // adding
  files: "选择文件", dropHere: "把文件拖到这里，或", kinds: "txt、md、html、pdf、docx，或它们的 zip",
  paste: "粘贴文字", title: "标题", text: "正文", from: "来源", date: "日期", url: "网址",
  addThis: "添加", cancel: "取消", saveThis: "保存", waiting: "等待", sending: (p) => `上传 ${p}%`,
  reading: "正在编入…", done: "已添加", there: "已经有了", zipDone: (a, u, r) => `添加 ${a} 篇，已有 ${u}，拒收 ${r}`,
  textNeeded: "请写正文。",
  // rebuilding
  rebuilding: "正在更新索引", queued: "排队等待", progress: (d, t) => `${d} / ${t} 篇`,
  rate: (r) => `每秒 ${r} 篇`, eta: (s) => `还要 ${s}`, seconds: (n) => `${n} 秒`, minutes: (n) => `${n} 分钟`,
  rebuilt: "索引已更新", rebuildCancelled: "已取消，索引同原来一样。", rebuildFailed: "没有更新成：",
  results: { added: "新增或改动", unchanged: "未变", removed: "移除", refused: "拒收" },
  // trouble
  offline: "连不上服务。", failed: "出错了：", because: (status) => `${zh.status[status]}。`, key: "访问需要密钥", keyWrong: "这个密钥不对，请重新输入",
  keyForm: "密钥只由英文字母、数字和符号组成", keyLabel: "密钥", keyHint: "只留在这个标签页里，关掉就没有了。", ok: "确定",
  status: { 403: "没有权限", 404: "已经不在了", 409: "与别的改动冲突", 413: "太大了", 415: "读不了这种文件", 422: "内容有误", 429: "请求太多，稍后再试",
    503: "服务正忙，稍后再试" }, list: "；", colon: "：",
};

const en = {
  name: "Chengyu Q&A", ask: "Ask", documents: "Documents", api: "API", skip: "Skip to content",
  language: "中文", languageLabel: "切换到中文", dark: "Dark", light: "Light", themeLabel: "Switch dark and light",
  hero: "Ask what the articles say",
  lead: "Answers are quoted from the documents, and each sentence opens at its place in the article. What the " +
    "documents do not say is not answered.",
  leadEmpty: "There are no documents yet. Add some, then ask.",
  tryThese: "For example", question: "Question", placeholder: "Ask in Chinese or English",
  hint: "Enter sends, Shift+Enter starts a new line, Ctrl+K comes back here", send: "Ask", stop: "Stop",
  stopped: "Stopped.", again: "New thread", saveAll: "Save all", thinking: "Searching…",
  understood: (q) => `Understood as: ${q}`, sure: (p) => `${p}% sure`,
  written: "written by a language model, every sentence checked",
  notFound: "The documents do not say", nearest: "Nearest passages", sources: "Sources",
  reprints: (n) => (n === 1 ? "1 reprint" : `${n} reprints`),
  copy: "Copy", copied: "Copied", save: "Save", retry: "Try again",
  chip: (n, title) => `Source ${n}: ${title}`, page: (n) => `page ${n}`,
  source: "Source", close: "Close", whole: "Open alone", original: "Original page", previous: "Previous",
  next: "Next", place: (n, all) => `${n} / ${all}`, loading: "Loading…", goneDocument: "This document is gone.",
  changedDocument: "The document was changed after the answer was given; this passage is no longer where it was:",
  untitled: "Untitled",
  count: (d, c) => `${d} ${d === 1 ? "document" : "documents"}, ${c} chunks`, model: "Embedding model",
  since: "Index written", size: "Size",
  add: "Add documents", update: "Update index", updateHint: "Reads the folder seeds again, embeds what changed",
  full: "Rebuild all", fullHint: "Embeds everything again, for another model", find: "Search all texts",
  findLabel: "Search the texts of all documents", findNone: "Nothing found.", found: (n) => `Found in ${n} documents`, clear: "Clear", more: "More",
  none: "There are no documents yet. Drop files here, or use “Add documents”.",
  chunks: (n) => (n === 1 ? "1 chunk" : `${n} chunks`), correct: "Correct", remove: "Delete",
  openLabel: (t) => `Open “${t}”`, correctLabel: (t) => `Correct title and date of “${t}”`,
  removeLabel: (t) => `Delete “${t}”`, removed: (t) => `Deleted “${t}”`,
  undo: "Undo", removeFailed: (t) => `“${t}” was not deleted: `, addedNow: "just added",
  files: "Choose files", dropHere: "Drop files here, or", kinds: "txt, md, html, pdf, docx, or a zip of those",
  paste: "Paste text", title: "Title", text: "Text", from: "Source", date: "Date", url: "Address",
  addThis: "Add", cancel: "Cancel", saveThis: "Save", waiting: "waiting", sending: (p) => `sending ${p}%`,
  reading: "indexing…", done: "added", there: "was there already",
  zipDone: (a, u, r) => `${a} added, ${u} there already, ${r} refused`, textNeeded: "Please write the text.",
  rebuilding: "Updating the index", queued: "waiting its turn", progress: (d, t) => `${d} of ${t} documents`,
  rate: (r) => `${r} a second`, eta: (s) => `${s} left`, seconds: (n) => `${n} s`, minutes: (n) => `${n} min`,
  rebuilt: "The index is up to date", rebuildCancelled: "Cancelled; the index is as it was.",
  rebuildFailed: "The update failed: ",
  results: { added: "added or changed", unchanged: "unchanged", removed: "removed", refused: "refused" },
  offline: "The service cannot be reached.", failed: "That failed: ", because: (status) => `${en.status[status]}.`, key: "A key is needed",
  keyWrong: "That key is not taken; enter another", keyForm: "A key holds nothing but Latin letters, digits and signs", keyLabel: "Key",
  keyHint: "Kept in this tab only, gone when it is closed.", ok: "OK",
  status: {
    403: "Not allowed", 404: "It is gone", 409: "It conflicts with another change", 413: "It is too large",
    415: "Files of this kind cannot be read", 422: "Something in it is wrong", 429: "Too many requests; try again later",
    503: "The service is busy; try again later",
  }, list: "; ", colon: ": ",
};

const filled = new WeakMap(); // what was filled into a node's words

export const language = () => (document.documentElement.lang === "en" ? "en" : "zh");

export function word(name, ...values) {
  const found = (language() === "en" ? en : zh)[name];
  return typeof found === "function" ? found(...values) : found;
}

// Puts words into a node, which follow the language from then on.
export function say(node, name, ...values) {
  node.dataset.say = name;
  filled.set(node, values);
  const words = word(name, ...values);
  if (node.textContent !== words) node.textContent = words; // else what listens would be told again
  return node;
}

// The same for what a screen reader says of a node.
export function label(node, name, ...values) {
  node.dataset.label = name;
  node.labelled = values;
  node.setAttribute("aria-label", word(name, ...values));
  return node;
}

export function speak(chosen) {
  if (chosen) {
    document.documentElement.lang = chosen === "en" ? "en" : "zh-CN";
    prefs.set("language", chosen);
  }
  for (const node of document.querySelectorAll("[data-say]")) say(node, node.dataset.say, ...(filled.get(node) ?? []));
  for (const node of document.querySelectorAll("[data-label]")) label(node, node.dataset.label, ...(node.labelled ?? []));
  for (const node of document.querySelectorAll("[data-hint]")) node.title = word(node.dataset.hint);
  for (const node of document.querySelectorAll("[data-placeholder]")) node.placeholder = word(node.dataset.placeholder);
}
