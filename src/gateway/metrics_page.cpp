// The text form of the metrics.
#include <charconv>

#include "base/money.h"
#include "gateway/metrics.h"
#include "gateway/process.h"

namespace glmgate::gateway {
namespace {

std::string number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end.ptr};
}

/// Label values are ours or the config's; a quote or a line break must not break the page all the
/// same.
std::string label(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += "# HELP ";
  out += name;
  out += ' ';
  out += help;
  out += "\n# TYPE ";
  out += name;
  out += ' ';
  out += type;
  out += '\n';
}

void line(std::string& out, std::string_view name, std::string_view labels,
          const std::string& value) {
  out += name;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

template <std::size_t N>
void append_histogram(std::string& out, std::string_view name, const std::string& labels,
                      const Histogram<N>& histogram, const std::array<double, N>& bounds) {
  std::uint64_t below = 0;
  const std::string bucket = std::string(name) + "_bucket";
  for (std::size_t i = 0; i < N; ++i) {
    below += histogram.buckets[i];
    line(out, bucket, labels + ",le=\"" + number(bounds[i]) + "\"", std::to_string(below));
  }
  line(out, bucket, labels + ",le=\"+Inf\"", std::to_string(histogram.count));
  line(out, std::string(name) + "_sum", labels, number(histogram.sum));
  line(out, std::string(name) + "_count", labels, std::to_string(histogram.count));
}

/// Which of the configuration's upstreams: two keys of one provider are two of them.
std::string labels_of(std::string_view upstream) {
  return "glmgate_upstream=\"" + label(upstream) + "\"";
}

void gauge(std::string& out, std::string_view name, std::string_view help, std::int64_t value) {
  head(out, name, "gauge", help);
  line(out, name, {}, std::to_string(value));
}

void write_upstreams(std::string& out, const std::vector<UpstreamGauges>& upstreams) {
  const auto each_of = [&](std::string_view name, std::string_view help, auto&& value_of) {
    head(out, name, "gauge", help);
    for (const UpstreamGauges& each : upstreams)
      line(out, name, labels_of(each.name), std::to_string(value_of(each)));
  };
  each_of("glmgate_upstream_slots_limit", "max_concurrency; 0: no limit.",
          [](const UpstreamGauges& each) { return each.slots_limit; });
  each_of("glmgate_upstream_slots_in_use", "Requests at this upstream now.",
          [](const UpstreamGauges& each) { return each.slots_in_use; });
  each_of("glmgate_upstream_slots_waiting", "Requests that wait for a slot.",
          [](const UpstreamGauges& each) { return each.slots_waiting; });
  each_of("glmgate_upstream_resting_seconds",
          "How long it is still passed over (no balance, quota, refused key); 0: it is not.",
          [](const UpstreamGauges& each) { return (each.rests_ms + 999) / 1000; });
  each_of("glmgate_upstream_without_plan", "1 if a plan's address said that its key has none.",
          [](const UpstreamGauges& each) { return each.no_plan ? 1 : 0; });
}

void write_process(std::string& out) {
  const Process process = read_process();
  head(out, "glmgate_build_info", "gauge", "1, with the version as its label.");
  line(out, "glmgate_build_info", "version=\"" GLMGATE_VERSION "\"", "1");
  head(out, "process_cpu_seconds_total", "counter", "User and system time spent.");
  line(out, "process_cpu_seconds_total", {}, number(process.cpu_seconds));
  gauge(out, "process_resident_memory_bytes", "Memory in use.", process.resident_bytes);
  gauge(out, "process_open_fds", "Open files and sockets.", process.open_fds);
  gauge(out, "process_max_fds", "How many there may be.", process.max_fds);
}

}  // namespace

void Metrics::write_histograms(std::string& out, const Models& models) {
  const auto of_models = [&](std::string_view name, std::string_view type, std::string_view help,
                             auto&& write_one) {
    head(out, name, type, help);
    for (const auto& [labels, series] : models)
      write_one(
          labels_of(labels.upstream) + ",gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"" +
              label(labels.provider) + "\",gen_ai_request_model=\"" + label(labels.model) + "\"",
          series);
  };
  of_models("gen_ai_server_request_duration_seconds", "histogram",
            "Time from request to the end of the answer.",
            [&](const std::string& labels, const Series& series) {
              append_histogram(out, "gen_ai_server_request_duration_seconds", labels,
                               series.duration, kSecondBounds);
            });
  of_models("gen_ai_server_time_to_first_token_seconds", "histogram",
            "Time from request to the answer's first byte.",
            [&](const std::string& labels, const Series& series) {
              append_histogram(out, "gen_ai_server_time_to_first_token_seconds", labels,
                               series.first, kSecondBounds);
            });
  of_models("gen_ai_client_token_usage", "histogram", "Tokens of one exchange, as billed.",
            [&](const std::string& labels, const Series& series) {
              append_histogram(out, "gen_ai_client_token_usage",
                               labels + ",gen_ai_token_type=\"input\"", series.input, kTokenBounds);
              append_histogram(out, "gen_ai_client_token_usage",
                               labels + ",gen_ai_token_type=\"output\"", series.output,
                               kTokenBounds);
            });
  of_models("glmgate_cached_tokens_total", "counter",
            "Prompt tokens read from the provider's cache.",
            [&](const std::string& labels, const Series& series) {
              line(out, "glmgate_cached_tokens_total", labels, std::to_string(series.cached));
            });
  of_models("glmgate_retries_total", "counter", "Attempts beyond the first.",
            [&](const std::string& labels, const Series& series) {
              line(out, "glmgate_retries_total", labels, std::to_string(series.retries));
            });
  of_models("glmgate_overhead_seconds", "histogram",
            "Time spent by glmgate itself until the answer began.",
            [&](const std::string& labels, const Series& series) {
              append_histogram(out, "glmgate_overhead_seconds", labels, series.overhead,
                               kOverheadBounds);
            });
}

void Metrics::write_worth(std::string& out, const Models& models) {
  const auto labels_with = [](const ModelLabels& labels) {
    return labels_of(labels.upstream) + ",gen_ai_provider_name=\"" + label(labels.provider) +
           "\",gen_ai_request_model=\"" + label(labels.model) + "\"";
  };
  const auto money = [&](std::string_view name, std::string_view help, auto&& micro_of) {
    head(out, name, "counter", help);
    for (const auto& [labels, series] : models)
      for (const Currency currency : {Currency::usd, Currency::cny})
        if (const std::uint64_t micro = micro_of(series)[static_cast<std::size_t>(currency)];
            micro > 0)
          line(out, name,
               labels_with(labels) + ",currency=\"" + std::string(glmgate::name(currency)) + "\"",
               decimal(static_cast<std::int64_t>(micro)));
  };
  money("glmgate_cost_total", "What settled requests cost, as booked.",
        [](const Series& series) { return series.cost_micro; });
  money("glmgate_list_price_total", "The same by the price list, paid or not.",
        [](const Series& series) { return series.list_micro; });
  head(out, "glmgate_weighted_tokens_total", "counter", "Tokens times their model's weight.");
  for (const auto& [labels, series] : models)
    line(out, "glmgate_weighted_tokens_total", labels_with(labels),
         number(static_cast<double>(series.weighted_milli) / 1e3));
}

std::string Metrics::write(std::span<Metrics* const> workers, const Gauges& gauges) {
  std::map<ExchangeLabels, std::uint64_t> requests;
  std::map<ModelLabels, Series> models;
  for (const Metrics* worker : workers) {
    const std::lock_guard lock(worker->mutex_);
    for (const auto& [labels, count] : worker->requests_) requests[labels] += count;
    for (const auto& [labels, series] : worker->models_) models[labels].merge(series);
  }

  std::string out;
  head(out, "glmgate_requests_total", "counter",
       "Exchanges by client dialect, upstream, status and fault.");
  for (const auto& [labels, count] : requests)
    line(out, "glmgate_requests_total",
         "dialect=\"" + label(labels.dialect) + "\",upstream=\"" + label(labels.upstream) +
             "\",status=\"" + std::to_string(labels.status) + "\",fault=\"" + label(labels.fault) +
             "\"",
         std::to_string(count));

  write_histograms(out, models);
  write_worth(out, models);
  gauge(out, "glmgate_connections", "Client connections open now.", gauges.connections);
  gauge(out, "glmgate_requests_running", "Requests being answered now.", gauges.calls);
  gauge(out, "glmgate_body_memory_bytes", "What requests and slow readers hold of max_body_memory.",
        gauges.body_memory);
  gauge(out, "glmgate_ledger_open_holds",
        "Requests held in the ledger: running, or settled and not yet in the database.",
        gauges.open_holds);
  gauge(out, "glmgate_ledger_unwritten", "Of them, those settled and not yet in the database.",
        gauges.unwritten);
  gauge(out, "glmgate_ledger_healthy", "1 while settled requests reach the database.",
        gauges.ledger_healthy ? 1 : 0);
  write_upstreams(out, gauges.upstreams);
  gauge(out, "process_start_time_seconds", "Unix time at which this process started.",
        gauges.start_seconds);
  write_process(out);
  return out;
}

}  // namespace glmgate::gateway
