#include "protocol/fault_wire.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "protocol/chat_answer.h"
#include "protocol/fault_codes.h"
#include "protocol/fault_text.h"

namespace glmgate::protocol {
namespace {

constexpr UtcMillis kNow = 1'795'168'800'000;  // 2026-11-20T10:00:00Z, which is 18:00 in Beijing

Fault read(int status, std::string_view body, std::string provider = "zai",
           std::string_view retry_after = {}) {
  return read_upstream_fault(status, retry_after, body, {std::move(provider)}, kNow);
}

Fault read_code(const std::string& code) {
  return read(429, R"({"error":{"code":")" + code + R"(","message":"m"}})");
}

WireFault write(Protocol client, const Fault& fault) {
  return write_fault({.client = client}, fault, "req_1");
}

std::string header(const WireFault& wire, std::string_view name) {
  for (const auto& [key, value] : wire.headers)
    if (key == name) return value;
  return "";
}

std::string member(const WireFault& wire, std::string_view key) {
  const auto parsed = json::parse(wire.body);
  if (!parsed) return "not JSON";
  const json::value* error = json::find(*parsed, "error");
  return error == nullptr ? "no error" : std::string(json::find_string(*error, key, "absent"));
}

TEST(fault_wire, every_business_code_has_its_statuses_types_and_retry_advice) {
  struct Case {
    const char* code;
    int openai;
    const char* openai_code;
    int anthropic;
    const char* anthropic_type;
    int native;
    const char* should_retry;  // on the OpenAI path
  };
  const Case cases[] = {
      {"1000", 502, "upstream_refused_key", 502, "api_error", 502, "false"},
      {"1003", 502, "upstream_refused_key", 502, "api_error", 502, "false"},
      {"1110", 502, "upstream_account", 502, "api_error", 502, "false"},
      {"1113", 429, "insufficient_quota", 402, "billing_error", 429, "false"},
      {"1120", 502, "upstream_account", 502, "api_error", 502, ""},
      {"1200", 502, "upstream_error", 500, "api_error", 500, ""},
      {"1210", 400, "invalid_value", 400, "invalid_request_error", 400, ""},
      {"1211", 404, "model_not_found", 404, "not_found_error", 400, ""},
      {"1212", 400, "unsupported_parameter", 400, "invalid_request_error", 400, ""},
      {"1213", 400, "missing_required_parameter", 400, "invalid_request_error", 400, ""},
      {"1220", 502, "upstream_account", 502, "api_error", 502, "false"},
      {"1231", 409, "duplicate_request", 409, "invalid_request_error", 400, "false"},
      {"1261", 400, "context_length_exceeded", 400, "invalid_request_error", 400, ""},
      {"1301", 400, "content_filter", 400, "invalid_request_error", 400, ""},
      {"1302", 429, "rate_limit_exceeded", 429, "rate_limit_error", 429, ""},
      {"1305", 429, "rate_limit_exceeded", 429, "rate_limit_error", 429, ""},
      {"1308", 429, "insufficient_quota", 429, "rate_limit_error", 429, "false"},
      {"1309", 402, "insufficient_quota", 402, "billing_error", 429, "false"},
      {"1311", 404, "model_not_found", 404, "not_found_error", 400, ""},
      {"1312", 503, "server_overloaded", 529, "overloaded_error", 503, ""},
      {"1313", 502, "upstream_account", 502, "api_error", 502, "false"},
      {"1315", 502, "upstream_account", 502, "api_error", 502, "false"},
      {"1316", 429, "insufficient_quota", 429, "rate_limit_error", 429, "false"},
      {"500", 502, "upstream_error", 500, "api_error", 500, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.code);
    const Fault fault = read_code(c.code);
    EXPECT_EQ(fault.glm_code, c.code);
    const WireFault openai = write(Protocol::openai_chat, fault);
    EXPECT_EQ(openai.status, c.openai);
    EXPECT_EQ(member(openai, "code"), c.openai_code);
    EXPECT_EQ(member(openai, "glm_code"), c.code);
    EXPECT_EQ(header(openai, "x-should-retry"), c.should_retry);
    const WireFault anthropic = write(Protocol::anthropic_messages, fault);
    EXPECT_EQ(anthropic.status, c.anthropic);
    EXPECT_EQ(member(anthropic, "type"), c.anthropic_type);
    EXPECT_EQ(write(Protocol::glm, fault).status, c.native);
  }
}

TEST(fault_wire, of_all_business_codes_none_is_the_clients_401_and_every_429_says_when) {
  for (const BusinessCode& row : business_codes())
    for (const Protocol client :
         {Protocol::openai_chat, Protocol::anthropic_messages, Protocol::glm}) {
      SCOPED_TRACE(row.code);
      const Fault fault = read_code(std::to_string(row.code));
      EXPECT_EQ(name(fault.code), name(row.fault));
      const WireFault wire = write(client, fault);
      EXPECT_NE(wire.status, 401);
      EXPECT_NE(wire.status, 403);
      EXPECT_GE(wire.status, 400);
      if (wire.status == 429 || wire.status == 503) {
        EXPECT_GE(std::stoi("0" + header(wire, "retry-after")), 1);
      }
      if (row.retry != Retry::soon && wire.status == 429) {
        EXPECT_EQ(header(wire, "x-should-retry"), "false");
      }
      EXPECT_EQ(wire.body.find("\"m\""), std::string::npos) << wire.body;
    }
}

TEST(fault_wire, every_fault_of_ours_is_written_in_every_dialect) {
  for (std::size_t i = 0; i <= static_cast<std::size_t>(FaultCode::internal); ++i) {
    const Fault fault =
        make_fault(static_cast<FaultCode>(i), "Something \"quoted\"", "messages[1].role");
    SCOPED_TRACE(name(fault.code));
    const WireFault openai = write(Protocol::openai_chat, fault);
    EXPECT_EQ(openai.status, http_status(fault.code));
    EXPECT_EQ(member(openai, "param"), "messages[1].role");
    EXPECT_NE(member(openai, "message").find("Something \"quoted\""), std::string::npos);
    const WireFault native = write(Protocol::glm, fault);
    const std::string digits = member(native, "code");
    EXPECT_FALSE(digits.empty());
    EXPECT_EQ(digits.find_first_not_of("0123456789"), std::string::npos) << digits;
    EXPECT_NE(find_business_code(digits), nullptr) << digits;
    const WireFault java =
        write_fault({.client = Protocol::glm, .strict_java = true}, fault, "req_1");
    const auto parsed = json::parse(java.body);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->as_object().size(), 1U);
    EXPECT_EQ(json::find(*parsed, "error")->as_object().size(), 2U);
    const WireFault anthropic = write(Protocol::anthropic_messages, fault);
    EXPECT_TRUE(anthropic.body.starts_with(R"({"type":"error","error":{"type":")"))
        << anthropic.body;
    EXPECT_NE(anthropic.body.find(R"("request_id":"req_1")"), std::string::npos);
    for (const WireFault* wire : {&openai, &native, &anthropic}) {
      const bool needs_wait = wire->status == 429 || wire->status == 503 || wire->status == 529;
      EXPECT_EQ(!header(*wire, "retry-after").empty(), needs_wait);
      if (wire->status == 401 || wire->status == 402 || wire->status == 403) {
        EXPECT_EQ(header(*wire, "x-should-retry"), "false");
      }
    }
  }
  EXPECT_EQ(write(Protocol::glm, make_fault(FaultCode::no_key, "")).status, 401);
  EXPECT_EQ(member(write(Protocol::glm, make_fault(FaultCode::no_key, "")), "code"), "1001");
  EXPECT_EQ(write(Protocol::glm, make_fault(FaultCode::model_not_found, "")).status, 400);
  EXPECT_EQ(write(Protocol::glm, make_fault(FaultCode::unknown_path, "")).status, 404);
  EXPECT_EQ(write(Protocol::anthropic_messages, make_fault(FaultCode::overloaded, "")).status, 529);
}

TEST(fault_wire, every_shape_of_an_error_body_is_read) {
  struct Case {
    const char* name;
    int status;
    const char* body;
    FaultCode code;
    const char* glm_code;
  };
  const Case cases[] = {
      {"nested", 429, R"({"error":{"code":"1302","message":"m"}})", FaultCode::rate_limited,
       "1302"},
      {"nested, a number", 429, R"({"error":{"code":1113,"message":"m"}})",
       FaultCode::insufficient_balance, "1113"},
      {"flat", 429, R"({"code":1308,"msg":"m"})", FaultCode::quota_exhausted, "1308"},
      {"200 with an error", 200, R"({"error":{"code":"1113","message":"m"}})",
       FaultCode::insufficient_balance, "1113"},
      {"200, flat", 200, R"({"code":"1302","msg":"m","success":false})", FaultCode::rate_limited,
       "1302"},
      {"200, unknown code", 200, R"({"code":1999,"msg":"m"})", FaultCode::upstream_error, "1999"},
      {"200, nothing", 200, "{}", FaultCode::upstream_broken, ""},
      {"Anthropic, code in type", 429, R"({"type":"error","error":{"type":"1308","message":"m"}})",
       FaultCode::quota_exhausted, "1308"},
      {"Anthropic, code in brackets", 429,
       R"({"type":"error","error":{"type":"rate_limit_error","message":"[1302][Rate limit][2026]"}})",
       FaultCode::rate_limited, "1302"},
      {"Anthropic, plain", 529,
       R"({"type":"error","error":{"type":"overloaded_error","message":"m"}})",
       FaultCode::upstream_overloaded, ""},
      {"OpenAI", 401,
       R"({"error":{"message":"m","type":"invalid_request_error","code":"invalid_api_key"}})",
       FaultCode::upstream_refused_key, ""},
      {"OpenAI, type alone", 401,
       R"({"error":{"message":"m","type":"invalid_request_error","code":null}})",
       FaultCode::upstream_refused_key, ""},
      {"OpenAI, quota", 429,
       R"({"error":{"message":"m","type":"insufficient_quota","code":"insufficient_quota"}})",
       FaultCode::insufficient_balance, ""},
      {"engine", 400,
       R"({"object":"error","message":"This model's maximum context length is 8 tokens","code":400})",
       FaultCode::context_too_long, ""},
      {"engine, model", 404,
       R"({"object":"error","message":"m","type":"NotFoundError","code":404})",
       FaultCode::model_not_found, ""},
      {"engine, in a stream", 200, R"({"error":{"object":"error","message":"m","code":400}})",
       FaultCode::bad_value, ""},
      {"text", 500, R"({"error":"CUDA out of memory"})", FaultCode::upstream_error, ""},
      {"wrong path", 404, R"({"detail":"Not Found"})", FaultCode::upstream_error, ""},
      {"HTML", 502, "<html>bad gateway</html>", FaultCode::upstream_error, ""},
      {"HTML 503", 503, "<html>", FaultCode::upstream_overloaded, ""},
      {"empty", 500, "", FaultCode::upstream_error, ""},
      {"empty 401", 401, "", FaultCode::upstream_refused_key, ""},
      {"empty 403", 403, "", FaultCode::upstream_refused_key, ""},
      {"empty 429", 429, "", FaultCode::rate_limited, ""},
      {"434", 434, "{}", FaultCode::upstream_account, ""},
      {"435", 435, "{}", FaultCode::body_too_large, ""},
      {"redirect", 302, "", FaultCode::upstream_broken, ""},
      {"array", 400, "[1]", FaultCode::bad_value, ""},
      {"not UTF-8", 400, "{\"error\":\"\xff\"}", FaultCode::bad_value, ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Fault fault = read(c.status, c.body);
    EXPECT_EQ(name(fault.code), name(c.code));
    EXPECT_EQ(fault.glm_code, c.glm_code);
    EXPECT_FALSE(fault.for_client.empty());
    EXPECT_NE(write(Protocol::openai_chat, fault).status, 401);
  }
}

TEST(fault_wire, an_upstreams_401_or_403_is_never_the_clients) {
  const char* bodies[] = {
      "",
      "<html>",
      "{}",
      R"({"error":{"code":"1214","message":"x"}})",
      R"({"error":{"code":"1261","message":"x"}})",
      R"({"error":{"code":"1220","message":"x"}})",
      R"({"error":{"message":"m","type":"invalid_request_error","code":"invalid_value"}})",
      R"({"error":{"message":"m","type":"permission_error","code":null}})",
      R"({"type":"error","error":{"type":"permission_error","message":"m"}})",
      R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})",
      R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long"}})",
  };
  for (const int status : {401, 403})
    for (const char* body : bodies)
      for (const Protocol client : {Protocol::openai_chat, Protocol::openai_responses,
                                    Protocol::anthropic_messages, Protocol::glm}) {
        SCOPED_TRACE(body);
        const Fault fault = read(status, body);
        const WireFault wire = write(client, fault);
        EXPECT_NE(wire.status, 401);
        EXPECT_NE(wire.status, 403);
        EXPECT_FALSE(passes_as_said(client, fault, status, body));
        if (wire.status == 502) {
          EXPECT_EQ(header(wire, "x-should-retry"), "false");
        }
      }
  // Digits that tell of an account, a native client would take for its own.
  EXPECT_EQ(member(write(Protocol::glm, read_code("1110")), "code"), "1200");
  EXPECT_EQ(member(write(Protocol::glm, read_code("1113")), "code"), "1113");
}

TEST(fault_wire, an_error_passes_as_it_came_only_in_the_clients_own_envelope) {
  struct Case {
    const char* name;
    int status;
    const char* body;
    const char* passes;  // to clients of: o(penai), a(nthropic), g(lm)
  };
  const Case cases[] = {
      {"OpenAI", 400, R"({"error":{"message":"m","type":"invalid_request_error","code":null}})",
       "o"},
      {"OpenAI, 422", 422, R"({"error":{"message":"m","type":"x","code":null}})", "o"},
      {"OpenAI, without a type", 400, R"({"error":{"message":"m"}})", "o"},
      {"vLLM", 400, R"({"error":{"message":"m","type":"BadRequestError","code":400}})", "og"},
      {"old vLLM", 400, R"({"object":"error","message":"m","type":"BadRequestError","code":400})",
       ""},
      {"FastAPI", 422, R"({"detail":[{"msg":"m"}]})", ""},
      {"text", 400, R"({"error":"m"})", ""},
      {"GLM", 400, R"({"error":{"code":"1214","message":"m"}})", "g"},
      {"GLM, flat", 400, R"({"code":1214,"msg":"m"})", ""},
      {"Anthropic", 400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"m"}})", "a"},
      {"Anthropic, digits for a type", 400,
       R"({"type":"error","error":{"type":"1214","message":"[1214][m]"}})", ""},
      {"Anthropic, no message", 400, R"({"type":"error","error":{"type":"invalid_request_error"}})",
       ""},
      {"not found", 404, R"({"error":{"message":"m","type":"invalid_request_error"}})", ""},
      {"a proxy's", 407, R"({"error":{"message":"m","type":"invalid_request_error"}})", ""},
      {"HTTP/2 wanted", 426, R"({"error":{"message":"m","type":"invalid_request_error"}})", ""},
      {"nginx's", 499, R"({"error":{"message":"m","type":"invalid_request_error"}})", ""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Fault fault = read(c.status, c.body);
    const std::string_view passes = c.passes;
    const auto goes = [&](Protocol client) {
      return passes_as_said(client, fault, c.status, c.body);
    };
    EXPECT_EQ(goes(Protocol::openai_chat), passes.find('o') != std::string_view::npos);
    EXPECT_EQ(goes(Protocol::openai_responses), passes.find('o') != std::string_view::npos);
    EXPECT_EQ(goes(Protocol::anthropic_messages), passes.find('a') != std::string_view::npos);
    EXPECT_EQ(goes(Protocol::glm), passes.find('g') != std::string_view::npos);
  }
}

TEST(fault_wire, what_no_client_can_change_is_no_400) {
  for (const int status : {405, 406, 407, 411, 415, 417, 418, 421, 426, 428, 499}) {
    SCOPED_TRACE(status);
    EXPECT_EQ(name(read(status, "").code), "upstream_error");
    EXPECT_EQ(write(Protocol::openai_chat, read(status, "<html>")).status, 502);
    EXPECT_EQ(read(status, "").again, Again::elsewhere);
  }
  EXPECT_EQ(name(read(408, "").code), "upstream_timeout");
}

TEST(fault_wire, an_upstreams_own_time_out_is_a_504) {
  const char* said = R"({"type":"error","error":{"type":"timeout_error","message":"m"}})";
  for (const int status : {504, 524, 200}) {
    const Fault fault = read(status, said);
    EXPECT_EQ(name(fault.code), "upstream_timeout");
    EXPECT_EQ(fault.again, Again::after_wait);
    EXPECT_EQ(write(Protocol::openai_chat, fault).status, 504);
    EXPECT_EQ(write(Protocol::anthropic_messages, fault).status, 504);
    EXPECT_EQ(member(write(Protocol::anthropic_messages, fault), "type"), "timeout_error");
  }
}

TEST(fault_wire, where_the_same_request_may_be_sent_again) {
  struct Case {
    int status;
    const char* body;
    const char* retry_after;
    Again again;
  };
  const Case cases[] = {
      {500, "", "", Again::after_wait},
      {502, "", "", Again::after_wait},
      {503, "", "", Again::after_wait},
      {504, "", "", Again::after_wait},
      {520, "", "", Again::after_wait},
      {529, "", "", Again::after_wait},
      {501, "", "", Again::elsewhere},
      {505, "", "", Again::elsewhere},
      {404, "", "", Again::elsewhere},
      {407, "", "", Again::elsewhere},
      {400, "", "", Again::never},
      {422, "", "", Again::never},
      {413, "", "", Again::never},
      {429, "", "", Again::elsewhere},
      {429, "", "2", Again::after_wait},
      {429, R"({"error":{"code":"1302","message":"m"}})", "", Again::after_wait},
      {429, R"({"error":{"code":"1303","message":"m"}})", "", Again::after_wait},
      {429, R"({"error":{"code":"1305","message":"m"}})", "", Again::after_wait},
      {429, R"({"error":{"code":"1308","message":"m"}})", "2", Again::elsewhere},
      {429, R"({"error":{"code":"1113","message":"m"}})", "2", Again::elsewhere},
      {500, R"({"error":{"code":"1200","message":"m"}})", "", Again::after_wait},
      {500, R"({"error":{"code":"1230","message":"m"}})", "", Again::after_wait},
      {500, R"({"error":{"code":"1234","message":"m"}})", "", Again::after_wait},
      {500, R"({"error":{"code":"1214","message":"m"}})", "", Again::never},
      {400, R"({"error":{"code":"1231","message":"m"}})", "", Again::never},
      {400, R"({"error":{"code":"1301","message":"m"}})", "", Again::never},
      {401, R"({"error":{"code":"1000","message":"m"}})", "", Again::elsewhere},
      {429, R"({"error":{"code":"1313","message":"m"}})", "", Again::elsewhere},
      {200, R"({"error":{"code":"1234","message":"m"}})", "", Again::after_wait},
      {200, "{}", "", Again::never},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::to_string(c.status) + c.body);
    EXPECT_EQ(read(c.status, c.body, "zai", c.retry_after).again, c.again);
  }
}

TEST(fault_wire, a_prompt_that_does_not_fit_is_known_in_everybodys_words) {
  struct Case {
    const char* name;
    int status;
    const char* body;
  };
  const Case cases[] = {
      {"llama-server", 400,
       R"({"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":1407,"n_ctx":256}})"},
      {"llama-server, later", 400,
       R"({"error":{"code":400,"message":"request (14429 tokens) exceeds the available context size (8192 tokens), try increasing it","type":"exceed_context_size_error"}})"},
      {"llama-server, 500", 500,
       R"({"error":{"code":500,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error"}})"},
      {"llama-server, 500, older", 500,
       R"({"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}})"},
      {"llama-server, under 200", 200,
       R"({"error":{"code":400,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}})"},
      {"llama-server, 500 under 200", 200,
       R"({"error":{"code":500,"message":"the request exceeds the available context size","type":"exceed_context_size_error"}})"},
      {"llama-cpp-python", 500,
       R"({"error":{"message":"Requested tokens (2285) exceed context window of 2048","type":"internal_server_error","param":null,"code":null}})"},
      {"vLLM", 400,
       R"({"object":"error","message":"This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in the messages, 10000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400})"},
      {"vLLM, newer", 400,
       R"({"error":{"message":"This model's maximum context length is 1024 tokens. However, you requested 0 output tokens and your prompt contains at least 1025 input tokens, for a total of at least 1025 tokens.","type":"BadRequestError","param":"input_tokens","code":400}})"},
      {"vLLM, capitals", 400,
       R"({"error":{"message":"THIS MODEL'S MAXIMUM CONTEXT LENGTH IS 8"}})"},
      {"vLLM, engine", 400,
       R"({"error":{"message":"The decoder prompt (length 9000) is longer than the maximum model length of 8192.","type":"BadRequestError","code":400}})"},
      {"SGLang", 400,
       R"({"object":"error","message":"The input (150000 tokens) is longer than the model's context length (131072 tokens).","type":"BadRequestError","code":400})"},
      {"SGLang, with the answer", 400,
       R"({"object":"error","message":"Requested token count exceeds the model's maximum context length of 131072 tokens.","type":"BadRequestError","code":400})"},
      {"SGLang, router", 400,
       R"({"error":{"message":"Input length (131393 tokens) exceeds the maximum allowed length (131040 tokens)."}})"},
      {"TGI", 422,
       R"({"error":"Input validation error: `inputs` must have less than 1024 tokens. Given: 1133","error_type":"validation"})"},
      {"TGI, with the answer", 422,
       R"({"error":"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 4000 `inputs` tokens and 1000 `max_new_tokens`","error_type":"validation"})"},
      {"GLM", 400, R"({"error":{"code":"1261","message":"Prompt exceeds max length"}})"},
      {"GLM, another code", 400,
       R"({"error":{"code":"1210","message":"Prompt exceeds max length"}})"},
      {"GLM, Anthropic", 400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"[1210][The model has reached its context window limit.][2026]"}})"},
      {"Anthropic", 400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 215000 tokens > 200000 maximum"}})"},
      {"Anthropic, with the answer", 400,
       R"({"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again"}})"},
      {"OpenAI", 400,
       R"({"error":{"message":"Your input exceeds the context window of this model.","type":"invalid_request_error","param":"input","code":"context_length_exceeded"}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const Fault fault = read(c.status, c.body);
    EXPECT_EQ(name(fault.code), "context_too_long");
    EXPECT_EQ(fault.again, Again::never);
    const WireFault messages = write(Protocol::anthropic_messages, fault);
    EXPECT_EQ(messages.status, 400);
    EXPECT_NE(member(messages, "message").find("prompt is too long"), std::string::npos);
    for (const Protocol client : {Protocol::openai_chat, Protocol::openai_responses}) {
      const WireFault wire = write(client, fault);
      EXPECT_EQ(wire.status, 400);
      EXPECT_EQ(member(wire, "code"), "context_length_exceeded");
      EXPECT_NE(member(wire, "message").find("maximum context length"), std::string::npos);
    }
  }
  // Words of a throttle or of nothing are not taken for it.
  EXPECT_EQ(
      name(
          read(
              429,
              R"({"error":{"message":"Request too large: reduce the length of the messages","code":"rate_limit_exceeded"}})")
              .code),
      "rate_limited");
  EXPECT_EQ(name(read(400, R"({"error":{"message":"bad context"}})").code), "bad_value");
}

TEST(fault_wire, a_used_up_quota_says_when_it_starts_again) {
  const auto text = [](const char* code, const std::string& when,
                       std::string_view retry_after = {}) {
    return read(429,
                R"({"error":{"code":")" + std::string(code) +
                    R"(","message":"Usage limit reached. Your limit will reset at )" + when +
                    R"("}})",
                "zai-coding", retry_after)
        .for_client;
  };
  for (const char* code : {"1304", "1308", "1310", "1316", "1317", "1321"})
    EXPECT_NE(text(code, "2026-11-20 18:10:00")
                  .find("it starts again at 2026-11-20 10:10 UTC (in 10 minutes)"),
              std::string::npos)
        << text(code, "2026-11-20 18:10:00");
  EXPECT_EQ(text("1308", "2026-11-20 18:10:01"),
            "the 5-hour window of the plan behind this gateway is used up; it starts again at "
            "2026-11-20 10:11 UTC (in 11 minutes)");
  EXPECT_NE(text("1308", "2026-11-20 18:00:30").find("10:01 UTC (in 1 minute)"), std::string::npos);
  EXPECT_NE(text("1308", "2026-11-20 22:30:00").find("14:30 UTC (in 5 hours)"), std::string::npos);
  EXPECT_NE(text("1310", "2026-12-01 18:00:00").find("2026-12-01 10:00 UTC (in 11 days)"),
            std::string::npos);
  EXPECT_NE(text("1304", "midnight", "3600").find("11:00 UTC (in 60 minutes)"), std::string::npos);
  EXPECT_EQ(text("1308", "2026-11-20 17:00:00").find("starts again"), std::string::npos);
  EXPECT_EQ(text("1308", "soon").find("starts again"), std::string::npos);
  EXPECT_EQ(text("1302", "2026-11-20 18:10:00").find("starts again"), std::string::npos);
}

TEST(fault_wire, hints_name_the_endpoint_to_use) {
  const std::string_view broke = R"({"error":{"code":"1113","message":"m"}})";
  EXPECT_NE(
      read(429, broke, "zai").for_client.find("zai-coding (https://api.z.ai/api/coding/paas/v4)"),
      std::string::npos);
  EXPECT_NE(read(429, broke, "zhipu")
                .for_client.find("zhipu-coding (https://open.bigmodel.cn/api/coding/paas/v4)"),
            std::string::npos);
  EXPECT_EQ(read(429, broke, "zai-coding").for_client.find("https://"), std::string::npos);
  EXPECT_NE(read(401, R"({"error":{"code":"1000","message":"m"}})", "zai").for_client.find("zhipu"),
            std::string::npos);
  EXPECT_NE(read(401, "", "zhipu-coding").for_client.find("zai"), std::string::npos);
  EXPECT_EQ(read(401, "", "engine").for_client.find("zai"), std::string::npos);
}

TEST(fault_wire, the_reset_time_of_a_quota_becomes_the_wait) {
  const auto wait = [](const std::string& when, std::string_view retry_after = {}) {
    return read(429,
                R"({"error":{"code":"1308","message":"Your limit will reset at )" + when + R"("}})",
                "zai", retry_after)
        .wait.count();
  };
  EXPECT_EQ(wait("2026-11-20 18:30:00"), 1800);  // 10:30 UTC
  EXPECT_EQ(wait("2026-11-20 17:00:00"), 1);     // past
  EXPECT_EQ(wait("2036-11-20 17:00:00"), 604'800);
  EXPECT_EQ(wait("2026-13-41 18:30:00"), 0);
  EXPECT_EQ(wait("2026-13-41 18:30:00", "77"), 77);
  EXPECT_EQ(wait("soon"), 0);
  EXPECT_EQ(header(write(Protocol::openai_chat, read_code("1308")), "retry-after"), "600");
}

TEST(fault_wire, retry_after_takes_digits_only_and_is_bounded) {
  const auto wait = [](std::string_view header) {
    return read(429, "", "zai", header).wait.count();
  };
  EXPECT_EQ(wait("7"), 7);
  EXPECT_EQ(wait("0"), 1);
  EXPECT_EQ(wait("99999999"), 604'800);
  for (const char* odd :
       {"", "-5", "1.5", "Fri, 20 Nov 2026 10:00:00 GMT", "7s", "99999999999999999999999"})
    EXPECT_EQ(wait(odd), 0) << odd;
  EXPECT_EQ(header(write(Protocol::openai_chat, read(429, "")), "retry-after"), "5");
  const WireFault native = write(Protocol::glm, read(429, "", "zai", "7"));
  EXPECT_NE(native.body.find(R"("retry_after":7)"), std::string::npos) << native.body;
}

TEST(fault_wire, agents_find_the_words_they_compact_on) {
  const Fault fault =
      read(400, R"({"error":{"code":"1261","message":"Prompt exceeds max length"}})");
  EXPECT_NE(member(write(Protocol::openai_chat, fault), "message").find("maximum context length"),
            std::string::npos);
  EXPECT_NE(
      member(write(Protocol::anthropic_messages, fault), "message").find("prompt is too long"),
      std::string::npos);
}

TEST(fault_wire,
     the_upstreams_message_is_shown_only_where_the_client_can_act_on_it_and_without_secrets) {
  const Fault bad = read(
      400,
      R"({"error":{"code":"1214","message":"messages[0].content invalid\u0000\u001b[1m see http://10.0.0.7:80/x for sk-abcdefgh12 0123456789abcdef0123456789abcdef.abcdef"}})");
  EXPECT_EQ(bad.for_client,
            "the model service refused a parameter: messages[0].content invalid  [1m see [address] "
            "for [redacted] "
            "[redacted]");
  const Fault broken =
      read(500, R"({"error":{"message":"Traceback /usr/lib/python3/x.py host db.internal"}})");
  EXPECT_EQ(broken.for_client, "the model service reported an internal error");
  EXPECT_NE(broken.for_us.find("[path]"), std::string::npos) << broken.for_us;
}

TEST(fault_text, keys_addresses_and_paths_do_not_pass) {
  EXPECT_EQ(redact("model glm-4.1v-thinking-flashx at 2026-11-20 18:00:00"),
            "model glm-4.1v-thinking-flashx at 2026-11-20 18:00:00");
  EXPECT_EQ(redact("Bearer abc-defghij is wrong"), "Bearer [redacted] is wrong");
  EXPECT_EQ(redact("connect to 192.168.1.20:8000"), "connect to [address]");
  EXPECT_EQ(redact("open(/etc/glm/key)"), "open([path])");
  EXPECT_EQ(clean("a\xff\nb\x7f漢", 100), "a? b 漢");
  EXPECT_EQ(clean("漢漢漢", 7), "漢漢...");
  EXPECT_EQ(clean("abc", 3), "abc");
}

TEST(fault_wire, no_body_reaches_8_kib) {
  const std::string long_text(100'000, '"');
  Fault fault = make_fault(FaultCode::bad_value, long_text, long_text);
  fault.glm_code = long_text;
  for (const Protocol client :
       {Protocol::openai_chat, Protocol::anthropic_messages, Protocol::glm}) {
    EXPECT_LT(write_fault({.client = client}, fault, long_text).body.size(), 8192U);
    EXPECT_LT(write_chat_stream_fault(client, fault).size(), 8192U);
  }
  EXPECT_LT(
      read(400, R"({"error":{"message":")" + std::string(50'000, 'x') + R"("}})").for_client.size(),
      2048U);
}

TEST(fault_wire, a_broken_stream_ends_with_an_error_event_and_no_done) {
  const Fault fault = make_fault(FaultCode::upstream_broken, "the stream broke");
  EXPECT_EQ(
      write_chat_stream_fault(Protocol::openai_chat, fault),
      "data: {\"error\":{\"message\":\"the stream broke\",\"type\":\"server_error\",\"param\":null,"
      "\"code\":\"upstream_broken\"}}\n\n");
  EXPECT_EQ(write_chat_stream_fault(Protocol::glm, fault),
            "data: {\"error\":{\"code\":\"1230\",\"message\":\"the stream broke\"}}\n\n");
  EXPECT_EQ(write_chat_stream_fault(Protocol::anthropic_messages, fault),
            "event: error\ndata: "
            "{\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the stream "
            "broke\"}}\n\n");
}

}  // namespace
}  // namespace glmgate::protocol
