// node ask.mjs URL KEY QUESTION: asks by the AI SDK and by the openai package, plain and streamed; prints JSON.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const [url, key, question] = process.argv.slice(2);
const model = "chengyu-rag";
const messages = [{ role: "user", content: question }];
const found = {};

const provider = createOpenAICompatible({ name: "chengyu", baseURL: `${url}/v1`, apiKey: key, includeUsage: true });
const plain = await generateText({ model: provider(model), prompt: question });
found.aiPlain = { text: plain.text, finish: plain.finishReason, usage: plain.usage.totalTokens };
const streamed = streamText({ model: provider(model), messages });
let text = "";
for await (const part of streamed.textStream) text += part;
found.aiStreamed = { text, finish: await streamed.finishReason, usage: (await streamed.usage).totalTokens };
try {
  await generateText({ model: provider("another"), prompt: question, maxRetries: 0 });
} catch (error) {
  found.aiError = { status: error.statusCode, message: error.message };
}

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const whole = await client.chat.completions.create({ model, messages });
found.openaiPlain = { text: whole.choices[0].message.content, annotations: whole.choices[0].message.annotations };
const built = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } });
const final = await built.finalChatCompletion();
found.openaiStreamed = { text: final.choices[0].message.content, usage: final.usage.total_tokens };
try {
  await client.chat.completions.create({ model: "another", messages });
} catch (error) {
  found.openaiError = { status: error.status, code: error.code };
}
const stopped = await client.chat.completions.create({ model, messages, stream: true });
for await (const _ of stopped) break;
found.models = (await client.models.list()).data.map((each) => each.id);
console.log(JSON.stringify(found));
