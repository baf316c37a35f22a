#include "gateway/translation.h"

#include <algorithm>

#include "base/json.h"
#include "base/models.h"
#include "protocol/chat_reader.h"
#include "protocol/chat_request.h"
#include "protocol/chat_to_messages.h"
#include "protocol/chat_writer.h"
#include "protocol/client_words.h"
#include "protocol/complete_to_chat.h"
#include "protocol/complete_writer.h"
#include "protocol/messages_reader.h"
#include "protocol/messages_request.h"
#include "protocol/messages_stream.h"
#include "protocol/messages_to_chat.h"
#include "protocol/messages_writer.h"
#include "protocol/responses_request.h"
#include "protocol/responses_stream.h"
#include "protocol/responses_to_chat.h"
#include "protocol/responses_writer.h"
#include "protocol/think_tags.h"
#include "protocol/thinking_memory.h"

namespace glmgate::gateway {
namespace {

using protocol::Protocol;

bool is_chat(Protocol protocol) {
  return protocol == Protocol::openai_chat || protocol == Protocol::glm;
}

bool same_family(Protocol a, Protocol b) { return a == b || (is_chat(a) && is_chat(b)); }

/// Bytes pass: request and answer are of the endpoint's own protocol.
bool passes(const Exchange& x, const UpstreamEndpoint& endpoint) {
  return x.asked_in == x.target.dialect && same_family(x.target.dialect, endpoint.speaks);
}

bool is_engine(const Route& route) {
  return route.upstream->config.provider == ProviderKind::engine;
}

/// Unknown models read everything, unless their upstream's operator says what becomes of images.
/// What an engine's own protocol brings it may read under any name.
bool reads_images(const Exchange& x, const Route& route, const UpstreamEndpoint& endpoint) {
  const std::optional<protocol::MediaPolicy> wanted = route.upstream->config.traits.images;
  if (wanted == protocol::MediaPolicy::pass) return true;
  if (!wanted && is_engine(route) && passes(x, endpoint)) return true;
  return route.known == nullptr ? !wanted : route.known->takes_images;
}

protocol::MediaPolicy media_policy(const Route& route) {
  return route.upstream->config.traits.images.value_or(protocol::MediaPolicy::placeholder);
}

/// GLM's names as engines write them: "glm-4.7", "zai-org/GLM-4.6-FP8".
bool is_named_glm(std::string_view model) {
  constexpr std::string_view kGlm = "glm";
  return std::ranges::search(model, kGlm, {}, [](char c) {
           return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
         }).begin() != model.end();
}

protocol::ChatTarget describe(const Exchange& x, const Route& route,
                              const UpstreamEndpoint& endpoint) {
  using Switch = UpstreamTraits::ThinkingSwitch;
  protocol::ChatTarget target{.client = x.target.dialect,
                              .speaks = endpoint.speaks,
                              .model = route.model,
                              .coding_endpoint = route.upstream->kind().coding};
  if (const Model* model = route.known) {
    target.max_output = model->max_output;
    target.thinking_cannot_be_off = model->thinking == ThinkingMode::forced;
    target.knows_reasoning_effort = model->knows_reasoning_effort;
    target.streams_arguments = model->streams_arguments;
  }
  target.takes_images = reads_images(x, route, endpoint);
  target.images = media_policy(route);
  target.has_thinking_switch = route.upstream->config.traits.thinking_switch != Switch::none;
  return target;
}

protocol::UpstreamPlace place(const Exchange& x) {
  return {std::string(x.route->upstream->kind().name)};
}

const protocol::ChatDraft& draft_of(const Exchange& x) {
  static const protocol::ChatDraft none;
  return x.draft ? *x.draft : none;
}

UtcMillis now(const Exchange& x) { return x.at.gateway.clock.utc_ms(); }

protocol::ChatAnswerOptions passing_chat(const Exchange& x, const UpstreamEndpoint& endpoint) {
  return {.client = x.target.dialect,
          .upstream = endpoint.speaks,
          .include_usage = x.facts.include_usage,
          .input_estimate = x.facts.input_estimate,
          .place = place(x),
          .now = now(x),
          .names = &draft_of(x).names};
}

protocol::MessagesStreamOptions passing_messages(const Exchange& x) {
  // What answers as an engine may be Anthropic itself, and means its zeros.
  return {.place = place(x),
          .now = now(x),
          .input_estimate = is_engine(*x.route) ? 0 : x.facts.input_estimate};
}

protocol::ResponsesPassOptions passing_responses(const Exchange& x) {
  return {
      .place = place(x),
      .now = now(x),
      .head = {
          .id = id_of(x, "resp_"), .created = now(x) / 1000, .model = x.facts.model, .echo = {}}};
}

// Readers of the upstream's protocol.

/// Who may not bring thinking back by themselves: chat clients have no place for signatures, and
/// Responses clients may name an item that nobody stores.
bool remembers_thinking(const Exchange& x, const UpstreamEndpoint& endpoint) {
  return x.target.dialect == Protocol::openai_responses ||
         (is_chat(x.target.dialect) && endpoint.speaks == Protocol::anthropic_messages);
}

bool has_think_tags(const Exchange& x, const UpstreamEndpoint& endpoint) {
  return endpoint.speaks != Protocol::anthropic_messages &&
         x.route->upstream->config.traits.reasoning == UpstreamTraits::Reasoning::think_tags;
}

protocol::ThinkingWitness witness(const Exchange& x) { return {x.at.gateway.thinking, x.key->id}; }

std::unique_ptr<protocol::AnswerReader> make_reader(const Exchange& x,
                                                    const UpstreamEndpoint& endpoint) {
  const std::size_t event_bytes = x.setup().config.event_bytes;
  std::unique_ptr<protocol::AnswerReader> reader =
      endpoint.speaks == Protocol::anthropic_messages
          ? protocol::make_messages_reader(
                {.place = place(x), .now = now(x), .max_event_bytes = event_bytes})
          : protocol::make_chat_reader(
                {.place = place(x), .now = now(x), .max_event_bytes = event_bytes});
  if (has_think_tags(x, endpoint)) reader = protocol::split_think_tags(std::move(reader));
  if (remembers_thinking(x, endpoint))
    reader = protocol::with_witness(std::move(reader), witness(x));
  return reader;
}

protocol::ReadWhole plain_whole_reader(const Exchange& x, const UpstreamEndpoint& endpoint) {
  if (endpoint.speaks == Protocol::anthropic_messages)
    return [options = protocol::MessagesReaderOptions{.place = place(x), .now = now(x)}](
               std::string_view body, const protocol::OnDelta& on_delta) {
      return protocol::read_whole_messages(body, options, on_delta);
    };
  return [options = protocol::ChatReaderOptions{.place = place(x), .now = now(x)}](
             std::string_view body, const protocol::OnDelta& on_delta) {
    return protocol::read_whole_chat(body, options, on_delta);
  };
}

protocol::ReadWhole whole_reader(const Exchange& x, const UpstreamEndpoint& endpoint) {
  protocol::ReadWhole read = plain_whole_reader(x, endpoint);
  if (has_think_tags(x, endpoint)) read = protocol::split_think_tags(std::move(read));
  if (remembers_thinking(x, endpoint)) read = protocol::with_witness(std::move(read), witness(x));
  return read;
}

// Writers of the client's.

protocol::ChatWriterOptions writing_chat(const Exchange& x) {
  return {.client = x.target.dialect,
          .id = id_of(x, "chatcmpl-"),
          .created = now(x) / 1000,
          .model = x.facts.model,
          .include_usage = x.facts.include_usage,
          .input_estimate = x.facts.input_estimate,
          .names = &draft_of(x).names};
}

protocol::MessagesWriterOptions writing_messages(const Exchange& x) {
  return {.id = id_of(x, "msg_"),
          .model = x.facts.model,
          .input_estimate = x.facts.input_estimate,
          .seal = &x.at.gateway.seal,
          .hides_thinking = draft_of(x).hides_thinking,
          .names = &draft_of(x).names};
}

protocol::CompleteWriterOptions writing_complete(const Exchange& x) {
  return {.id = id_of(x, "compl_"), .model = x.facts.model};
}

protocol::ResponsesWriterOptions writing_responses(const Exchange& x) {
  const protocol::ChatDraft& draft = draft_of(x);
  return {.head = {.id = id_of(x, "resp_"),
                   .created = now(x) / 1000,
                   .model = x.facts.model,
                   .echo = draft.echo,
                   .stored = x.keeps_response()},
          .names = draft.names,
          .seal = &x.at.gateway.seal,
          .input_estimate = x.facts.input_estimate,
          .hides_thinking = draft.hides_thinking};
}

/// A folded answer, told once more.
Result<void> tell(const protocol::WholeAnswer& answer, const protocol::OnDelta& on_delta) {
  using protocol::Delta;
  using Part = protocol::WholeAnswer::Part::Kind;
  Result<void> told = on_delta({.kind = Delta::Kind::begin, .name = answer.tally.model()});
  std::size_t calls = 0;
  for (const protocol::WholeAnswer::Part& part : answer.parts) {
    if (!told) return told;
    switch (part.kind) {
      case Part::text:
        told = on_delta({.kind = Delta::Kind::text, .text = part.text});
        break;
      case Part::refusal:
        told = on_delta({.kind = Delta::Kind::refusal, .text = part.text});
        break;
      case Part::reasoning:
        told = on_delta({.kind = Delta::Kind::reasoning, .text = part.text});
        if (told && !part.signature.empty())
          told = on_delta({.kind = Delta::Kind::signature, .text = part.signature});
        break;
      case Part::redacted:
        told = on_delta({.kind = Delta::Kind::redacted, .text = part.text});
        break;
      case Part::call:
        told =
            on_delta({.kind = Delta::Kind::call, .call = calls, .id = part.id, .name = part.name});
        if (told)
          told = on_delta({.kind = Delta::Kind::arguments, .text = part.text, .call = calls});
        ++calls;
        break;
    }
  }
  if (told && answer.tally.usage())
    told = on_delta({.kind = Delta::Kind::usage, .usage = *answer.tally.usage()});
  if (told)
    told = on_delta({.kind = Delta::Kind::stop, .text = answer.stop_sequence, .stop = answer.stop});
  return told;
}

Result<protocol::WrittenAnswer> write_whole_response(
    const protocol::WholeAnswer& answer, const protocol::ResponsesWriterOptions& options) {
  Result<std::string> body = protocol::write_responses_answer(
      options, [&](const protocol::OnDelta& on_delta) { return tell(answer, on_delta); });
  if (!body) return fail(std::move(body.error()));
  return protocol::WrittenAnswer{.body = std::move(*body), .warnings = {}};
}

std::unique_ptr<protocol::AnswerWriter> make_writer(const Exchange& x) {
  if (x.target.dialect == Protocol::openai_responses)
    return protocol::make_responses_writer(writing_responses(x));
  if (x.target.dialect == Protocol::anthropic_messages)
    return protocol::make_messages_writer(writing_messages(x));
  if (x.target.dialect == Protocol::anthropic_complete)
    return protocol::make_complete_writer(writing_complete(x));
  return protocol::make_chat_writer(writing_chat(x));
}

protocol::WriteWhole whole_writer(const Exchange& x) {
  using protocol::WholeAnswer;
  if (x.target.dialect == Protocol::anthropic_messages)
    return [options = writing_messages(x)](const WholeAnswer& answer) {
      return protocol::write_messages_answer(answer, options);
    };
  if (x.target.dialect == Protocol::openai_responses)
    return [options = writing_responses(x)](const WholeAnswer& answer) {
      return write_whole_response(answer, options);
    };
  if (x.target.dialect == Protocol::anthropic_complete)
    return [options = writing_complete(x)](const WholeAnswer& answer) {
      return protocol::write_complete_answer(answer, options);
    };
  return [options = writing_chat(x)](const WholeAnswer& answer) {
    return protocol::write_chat_answer(answer, options);
  };
}

// Requests.

/// Thinking of this key's, by the call that it led to.
std::function<std::optional<std::string>(std::string_view)> recall(const Exchange& x) {
  return [&memory = x.at.gateway.thinking, tenant = x.key->id](std::string_view call) {
    return memory.find(tenant, call);
  };
}

protocol::MessagesTarget describe_messages(const Exchange& x, const Route& route,
                                           const UpstreamEndpoint& endpoint) {
  const Model* model = route.known;
  // What answers as an engine may be Anthropic itself, or check as it does.
  const bool checks = is_engine(route);
  return {.model = route.model,
          .max_output = model == nullptr ? 0 : model->max_output,
          .verifies_thinking = route.upstream->config.traits.checks_thinking.value_or(checks),
          .takes_images = reads_images(x, route, endpoint),
          .images = media_policy(route),
          .takes_output_format = checks,
          .takes_effort = checks,
          .takes_threads = checks,
          .recall = recall(x),
          .seal = &x.at.gateway.seal};
}

Result<std::vector<std::string>> fit_chat(Exchange& x, const Route& route,
                                          const UpstreamEndpoint& endpoint, protocol::Body& body) {
  protocol::ChatDraft kept;
  Result<std::vector<std::string>> warnings =
      protocol::fit_chat_request(body, x.facts, describe(x, route, endpoint), &kept.names);
  if (!kept.names.empty()) x.draft = std::make_unique<protocol::ChatDraft>(std::move(kept));
  return warnings;
}

Result<std::vector<std::string>> fit(Exchange& x, const Route& route,
                                     const UpstreamEndpoint& endpoint, protocol::Body& body) {
  switch (endpoint.speaks) {
    case Protocol::anthropic_messages:
      return protocol::fit_messages_request(body, x.facts, describe_messages(x, route, endpoint));
    case Protocol::openai_responses:
      return protocol::fit_responses_request(body,
                                             {.model = route.model,
                                              .takes_images = reads_images(x, route, endpoint),
                                              .images = media_policy(route)});
    default:
      return fit_chat(x, route, endpoint, body);
  }
}

/// The same protocol on both sides: the bytes pass, spliced where they must.
Result<Outgoing> pass(Exchange& x, const Route& route, const UpstreamEndpoint& endpoint,
                      protocol::Body& body) {
  Result<std::vector<std::string>> warnings = fit(x, route, endpoint, body);
  if (!warnings) return fail(std::move(warnings.error()));
  Outgoing outgoing{.made = {}, .warnings = std::move(*warnings)};
  if (body.has_splices()) outgoing.made = body.spliced();
  return outgoing;
}

protocol::MessagesRules::Switch thinking_switch(const Route& route) {
  using Switch = protocol::MessagesRules::Switch;
  switch (route.upstream->config.traits.thinking_switch) {
    case UpstreamTraits::ThinkingSwitch::chat_template:
      return Switch::always;
    case UpstreamTraits::ThinkingSwitch::none:
      return Switch::none;
    case UpstreamTraits::ThinkingSwitch::usual:
      break;
  }
  return is_named_glm(route.model) ? Switch::always : Switch::when_asked;
}

Result<protocol::ChatDraft> draft(const Exchange& x, const Route& route,
                                  const UpstreamEndpoint& endpoint, const protocol::Body& body) {
  if (x.asked_in == Protocol::openai_responses) {
    Result<protocol::ChatDraft> made =
        protocol::responses_to_chat(body, {.seal = &x.at.gateway.seal,
                                           .takes_pdf = !is_chat(endpoint.speaks),
                                           .to_messages = !is_chat(endpoint.speaks),
                                           .recall = recall(x),
                                           .takes_images = reads_images(x, route, endpoint),
                                           .images = media_policy(route),
                                           .model = route.model});
    if (made) made->echo = x.echo ? x.echo : read_echo(x, body);
    return made;
  }
  const Model* model = route.known;
  const bool to_glm = endpoint.speaks != Protocol::openai_chat;
  const UpstreamTraits& traits = route.upstream->config.traits;
  const protocol::MessagesRules rules{
      .to_glm = to_glm,
      .takes_images = reads_images(x, route, endpoint),
      .images = media_policy(route),
      .model = route.model,
      .takes_every_image = !to_glm,
      .tool_image_parts = traits.tool_images,
      .thinking_can_be_off = model == nullptr || model->thinking != ThinkingMode::forced,
      .seal = &x.at.gateway.seal,
      .thinking_switch = thinking_switch(route),
      .thinking_default = traits.default_thinking,
      .mid_system = traits.mid_system};
  return x.asked_in == Protocol::anthropic_complete ? protocol::complete_to_chat(body, rules)
                                                    : protocol::messages_to_chat(body, rules);
}

/// A chat request, the client's own or a draft, for an endpoint that speaks Messages.
Result<Outgoing> write_messages(Exchange& x, const Route& route, const UpstreamEndpoint& endpoint,
                                const protocol::Body& body) {
  protocol::MessagesTarget target = describe_messages(x, route, endpoint);
  target.streams = x.facts.stream || draft_of(x).streams_upstream;
  Result<protocol::MessagesDraft> made = protocol::chat_to_messages(body, target);
  if (!made) return fail(std::move(made.error()));
  auto kept = std::make_unique<protocol::ChatDraft>(draft_of(x));
  kept->names.merge(made->names);
  x.draft = std::move(kept);
  return Outgoing{.made = std::move(made->body), .warnings = std::move(made->warnings)};
}

/// The warnings of the first translation before those of the second, all in the client's words.
void add_draft_warnings(const Exchange& x, Outgoing& outgoing, std::vector<std::string> first) {
  for (std::string& warning : outgoing.warnings) {
    warning = protocol::in_client_words(x.asked_in, std::move(warning));
    if (std::ranges::find(first, warning) == first.end()) first.push_back(std::move(warning));
  }
  outgoing.warnings = std::move(first);
}

/// A draft is a chat request like any other, and is fitted like one.
Result<Outgoing> fit_draft(Exchange& x, const Route& route, const UpstreamEndpoint& endpoint,
                           protocol::ChatDraft made) {
  Result<protocol::Body> body = protocol::Body::read(std::move(made.body), protocol::kDraftLimits);
  if (!body) return fail(std::move(body.error()));
  Result<protocol::Facts> facts = protocol::read_chat_facts(*body);
  if (!facts) return fail(std::move(facts.error()));
  // What is behind a stop sequence is not waited for, and not paid for.
  made.streams_upstream = facts->stream || !made.stop.empty();
  facts->stream = made.streams_upstream;
  if (!is_chat(endpoint.speaks)) {
    std::vector<std::string> warnings = std::move(made.warnings);
    x.draft = std::make_unique<protocol::ChatDraft>(std::move(made));
    Result<Outgoing> outgoing = write_messages(x, route, endpoint, *body);
    if (outgoing) add_draft_warnings(x, *outgoing, std::move(warnings));
    return outgoing;
  }
  protocol::ChatTarget target = describe(x, route, endpoint);
  target.client = Protocol::openai_chat;
  Result<std::vector<std::string>> warnings = protocol::fit_chat_request(*body, *facts, target);
  if (!warnings) return fail(std::move(warnings.error()));
  if (made.streams_upstream) body->set("stream", "true");
  Outgoing outgoing{.made = std::move(*body).spliced(), .warnings = std::move(*warnings)};
  add_draft_warnings(x, outgoing, std::move(made.warnings));
  x.draft = std::make_unique<protocol::ChatDraft>(std::move(made));
  return outgoing;
}

}  // namespace

const UpstreamEndpoint* find_endpoint(const Upstream& upstream, Protocol client) {
  const UpstreamEndpoint* chat = nullptr;
  const UpstreamEndpoint* messages = nullptr;
  for (const UpstreamEndpoint& each : upstream.endpoints) {
    if (same_family(each.speaks, client)) return &each;
    if (chat == nullptr && is_chat(each.speaks)) chat = &each;
    if (each.speaks == Protocol::anthropic_messages) messages = &each;
  }
  return chat != nullptr ? chat : messages;
}

const UpstreamEndpoint* find_own(const Upstream& upstream, Protocol protocol) {
  const auto found = std::ranges::find(upstream.endpoints, protocol, &UpstreamEndpoint::speaks);
  return found == upstream.endpoints.end() ? nullptr : &*found;
}

Result<void> keep_spoken_to(Routes& routes, Protocol client) {
  std::erase_if(routes.best_first, [&](const Route& route) {
    return find_endpoint(*route.upstream, client) == nullptr;
  });
  if (routes.best_first.empty())
    return fail(FaultCode::model_not_found,
                "This model is served in another protocol only: ask for it at /v1/responses.",
                "model");
  return {};
}

Result<Outgoing> write_request(Exchange& x, const Route& route, const UpstreamEndpoint& endpoint,
                               protocol::Body& body) {
  x.draft.reset();  // of an attempt before this one
  if (passes(x, endpoint)) return pass(x, route, endpoint, body);
  if (is_chat(x.asked_in)) return write_messages(x, route, endpoint, body);
  Result<protocol::ChatDraft> made = draft(x, route, endpoint, body);
  if (!made) return fail(std::move(made.error()));
  return fit_draft(x, route, endpoint, std::move(*made));
}

std::unique_ptr<protocol::AnswerStream> make_stream(const Exchange& x,
                                                    const UpstreamEndpoint& endpoint,
                                                    bool upstream_streams) {
  if (!upstream_streams) {
    auto reader =
        protocol::make_body_reader(whole_reader(x, endpoint), x.setup().config.answer_bytes);
    return std::make_unique<protocol::TranslatedStream>(x.target.dialect, std::move(reader),
                                                        make_writer(x), draft_of(x).stop);
  }
  if (!passes(x, endpoint))
    return std::make_unique<protocol::TranslatedStream>(x.target.dialect, make_reader(x, endpoint),
                                                        make_writer(x), draft_of(x).stop);
  if (endpoint.speaks == Protocol::anthropic_messages)
    return std::make_unique<protocol::MessagesStream>(passing_messages(x),
                                                      x.setup().config.event_bytes);
  if (endpoint.speaks == Protocol::openai_responses)
    return protocol::make_responses_stream(passing_responses(x), x.setup().config.event_bytes);
  return std::make_unique<protocol::ChatStream>(passing_chat(x, endpoint),
                                                x.setup().config.event_bytes);
}

Result<protocol::PlainAnswer> read_answer(const Exchange& x, const UpstreamEndpoint& endpoint,
                                          std::string body) {
  if (!passes(x, endpoint))
    return protocol::translate_whole(body, whole_reader(x, endpoint), whole_writer(x),
                                     draft_of(x).stop);
  if (endpoint.speaks == Protocol::anthropic_messages)
    return protocol::read_messages_answer(std::move(body), passing_messages(x));
  if (endpoint.speaks == Protocol::openai_responses)
    return protocol::read_responses_answer(std::move(body), passing_responses(x));
  return protocol::read_chat_answer(std::move(body), passing_chat(x, endpoint));
}

protocol::TranslatedWhole make_whole(const Exchange& x, const UpstreamEndpoint& endpoint) {
  return protocol::TranslatedWhole(make_reader(x, endpoint), whole_writer(x), draft_of(x).stop);
}

}  // namespace glmgate::gateway
