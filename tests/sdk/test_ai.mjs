// Vercel's AI SDK against a running glmgate, over several steps. Prints a test's name, and after a tab why it failed.
import assert from 'node:assert';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';

const apiKey = process.env.SANDBOX_KEY;
const baseURL = process.env.SANDBOX_URL + '/v1';
const headers = { 'glmgate-sandbox-do': 'think "the tide decides it"; call get_weather {"city":"Oslo"}' };
const kinds = {
  'responses': () => createOpenAI({ baseURL, apiKey, headers })('glm-4.7'),
  'chat': () => createOpenAI({ baseURL, apiKey, headers }).chat('glm-4.7'),
  'compatible': () => createOpenAICompatible({ name: 'glmgate', baseURL, apiKey, headers })('glm-4.7'),
  'messages': () => createAnthropic({ baseURL, apiKey, headers })('glm-4.7'),
};
const tools = {
  get_weather: tool({
    description: 'd', execute: async ({ city }) => `3 degrees in ${city}`,
    inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false }),
  }),
};
const stateless = { openai: { store: false } };  // what later turns send is whole: docs/clients/sdks.md
const task = (model, more) => ({ model, tools, stopWhen: stepCountIs(4), maxRetries: 0, ...more });

const tests = {};
for (const [kind, make] of Object.entries(kinds)) {
  tests[`${kind}: tool loop`] = async () => {
    const told = await generateText(task(make(), { prompt: 'What is the weather?' }));
    assert.equal(told.steps.length, 2);
    assert(told.text.includes('3 degrees in Oslo'), told.text);
    assert(told.usage.inputTokens > 0);
  };
  tests[`${kind}: streamed tool loop, second turn`] = async () => {
    const messages = [{ role: 'user', content: 'What is the weather?' }];
    const first = streamText(task(make(), { messages, providerOptions: stateless }));
    let text = '';
    for await (const part of first.textStream) text += part;
    assert(text.includes('3 degrees in Oslo'), text);
    messages.push(...(await first.response).messages, { role: 'user', content: 'And again?' });
    assert((await generateText(task(make(), { messages, providerOptions: stateless }))).text.includes('3 degrees in Oslo'));
  };
}

for (const [name, test] of Object.entries(tests)) {
  if (!process.env.TESTS.split('\n').includes(name)) continue;
  try {
    await test();
    console.log(name);
  } catch (error) {
    console.log(`${name}\t${error?.constructor?.name}: ${error?.message}`.replaceAll('\n', ' '));
  }
}
