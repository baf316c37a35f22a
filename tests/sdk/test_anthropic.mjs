// @anthropic-ai/sdk for Node against a running glmgate. Prints a test's name, and after a tab why it failed.
import assert from 'node:assert';
import Anthropic from '@anthropic-ai/sdk';

const sandbox = new Anthropic({ baseURL: process.env.SANDBOX_URL, apiKey: process.env.SANDBOX_KEY, maxRetries: 0 });
const scripted = new Anthropic({ baseURL: process.env.SCRIPTED_URL, apiKey: process.env.SCRIPTED_KEY });
const hello = [{ role: 'user', content: 'Hello!' }];
const model = 'claude-haiku-4-5';
const translated = process.env.WAY === 'translated to glm';
const say = (directive) => [{ role: 'user', content: 'sandbox: ' + directive }];
const tool = (name) => ({
  name, description: 'd', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
});
const ask = (client, more) => client.messages.create({ model, max_tokens: 500, messages: hello, ...more });
const calls = (message) => message.content.map((block) => [block.name, block.input]);

async function rejects(promise, wanted) {
  try {
    await promise;
  } catch (error) {
    for (const [name, value] of Object.entries(wanted)) assert.equal(error[name], value);
    return error;
  }
  assert.fail('nothing was thrown');
}

const tests = {
  'plain': async () => {
    const answer = await ask(sandbox);
    assert.equal(answer.type, 'message');
    assert.equal(answer.model, translated ? model : 'glm-4.5-air');
    assert(answer.content[0].text);
    assert.equal(answer.stop_reason, 'end_turn');
    assert(answer.usage.input_tokens > 0);
  },
  'stream': async () => {
    const events = sandbox.messages.stream({ model, max_tokens: 500, messages: hello });
    const final = await events.finalMessage();
    assert.equal(final.content[0].text, (await ask(sandbox)).content[0].text);
    assert(final.usage.output_tokens > 0);
  },
  'thinking': async () => {
    const thinking = { type: 'enabled', budget_tokens: 1024 };
    const answer = await ask(sandbox, { thinking, max_tokens: 2000 });
    assert.deepEqual(answer.content.map((block) => block.type), ['thinking', 'text']);
    assert(answer.content[0].signature.startsWith(translated ? 'glm1.' : ''));
    const messages = [...hello, { role: 'assistant', content: answer.content }, { role: 'user', content: 'And?' }];
    assert.equal((await ask(sandbox, { thinking, max_tokens: 2000, messages })).stop_reason, 'end_turn');
  },
  'tools': async () => {
    const first = say('call get_weather {"city":"Oslo"}');
    const answer = await ask(sandbox, { messages: first, tools: [tool('get_weather')] });
    assert.deepEqual(calls(answer), [['get_weather', { city: 'Oslo' }]]);
    const result = { type: 'tool_result', tool_use_id: answer.content[0].id, content: '3 degrees' };
    const messages = [...first, { role: 'assistant', content: answer.content }, { role: 'user', content: [result] }];
    assert((await ask(sandbox, { messages, tools: [tool('get_weather')] })).content[0].text.includes('3 degrees'));
  },
  'parallel tools': async () => {
    const answer = await ask(sandbox, { messages: say('call a {"city":"x"}; call b {"city":"y"}'), tools: [tool('a'), tool('b')] });
    assert.deepEqual(calls(answer), [['a', { city: 'x' }], ['b', { city: 'y' }]]);
  },
  'streamed tools': async () => {
    const events = sandbox.messages.stream({
      model, max_tokens: 500, tools: [tool('a'), tool('b')], messages: say('call a {"city":"x"}; call b {"city":"y"}'),
    });
    assert.deepEqual(calls(await events.finalMessage()), [['a', { city: 'x' }], ['b', { city: 'y' }]]);
  },
  'tool runner': async () => {
    const weather = { ...tool('get_weather'), run: async ({ city }) => `3 degrees in ${city}`, parse: (input) => input };
    const final = await sandbox.beta.messages.toolRunner({
      model, max_tokens: 500, messages: say('call get_weather {"city":"Oslo"}'), tools: [weather], max_iterations: 5,
    });
    assert(final.content[0].text.includes('3 degrees in Oslo'), JSON.stringify(final));
  },
  'a thread is refused': async () => {
    const thread = { type: 'continue', previous_message_id: 'msg_1' };
    const betas = ['message-threads-2026-08-12'];
    const error = await rejects(sandbox.beta.messages.create({ model, max_tokens: 500, messages: hello, thread, betas }), { status: 400 });
    assert.deepEqual(error.error.error.details, { error_code: 'thread_unsupported_request', unsupported: ['thread'] });
  },
  'stop sequence': async () => {
    const answer = await ask(sandbox, { messages: say('say "one END two"'), stop_sequences: ['END'] });
    assert.deepEqual([answer.content[0].text, answer.stop_reason, answer.stop_sequence], ['one ', 'stop_sequence', 'END']);
  },
  'max tokens': async () => {
    assert.equal((await ask(sandbox, { messages: say('length 50'), max_tokens: 5 })).stop_reason, 'max_tokens');
  },
  'count tokens': async () => {
    assert((await sandbox.messages.countTokens({ model, messages: hello })).input_tokens > 0);
  },
  'models': async () => {
    const ids = [];
    for await (const each of sandbox.models.list({ limit: 100 })) ids.push(each.id);
    assert(ids.includes('glm-4.7'));
    assert.equal((await sandbox.models.retrieve('glm-4.7')).id, 'glm-4.7');
  },
  'wrong key': async () => {
    const client = new Anthropic({ baseURL: process.env.SANDBOX_URL, apiKey: 'sk-wrong' });
    await rejects(ask(client), { status: 401 });
  },
  'unknown model': async () => {
    const error = await rejects(ask(sandbox, { model: 'nope-1' }), { status: 404 });
    assert.equal(error.error.error.type, 'not_found_error');
  },
  'bad request': async () => {
    const messages = [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'x' }] }];
    const error = await rejects(ask(sandbox, { messages }), { status: 400 });
    assert.equal(error.error.error.type, 'invalid_request_error');
  },
  '429 retries as told': async () => {
    assert.equal((await ask(scripted, { model: 'throttled-anthropic-node' })).content[0].text, 'after all');
  },
  'no retry of what will not heal': async () => {
    await rejects(ask(scripted, { model: 'broke-anthropic-node' }), { status: 402 });
  },
  'cut stream raises': async () => {
    await rejects(scripted.messages.stream({ model: 'cut-anthropic-node', max_tokens: 50, messages: hello }).finalMessage(), {});
  },
};

for (const [name, test] of Object.entries(tests)) {
  if (!process.env.TESTS.split('\n').includes(name)) continue;
  try {
    await test();
    console.log(name);
  } catch (error) {
    console.log(`${name}\t${error?.constructor?.name}: ${error?.message}`.replaceAll('\n', ' '));
  }
}
