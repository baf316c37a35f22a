#include "protocol/body.h"

#include <algorithm>
#include <utility>

#include "base/json.h"

namespace glmgate::protocol {

Result<Body> Body::read(std::string bytes, const JsonLimits& limits) {
  Body body;
  body.bytes_ = std::move(bytes);
  auto tape = JsonTape::scan(body.bytes_, limits);
  if (!tape) return fail(std::move(tape.error()));
  body.tape_ = std::move(*tape);
  if (!body.root().is(JsonType::object))
    return fail(FaultCode::bad_json, "the body must be a JSON object");
  return body;
}

JsonView Body::root() const { return tape_.root(bytes_); }

void Body::set(std::string_view top_level_key, std::string_view json) {
  set_member(root(), top_level_key, json);
}

void Body::remove(std::string_view top_level_key) { remove_member(root(), top_level_key); }

void Body::replace(JsonView value, std::string_view json) { note(Act::replace, value, json); }

void Body::remove_value(JsonView value) { note(Act::remove, value, {}); }

void Body::remove_member(JsonView object, std::string_view key) {
  if (const JsonView member = object.find(key); member.present()) return remove_value(member);
  std::erase_if(splices_, [&](const Splice& s) {
    return s.act == Act::append && s.node == object.index_ && s.key == key;
  });
}

void Body::set_member(JsonView object, std::string_view key, std::string_view json) {
  if (!object.is(JsonType::object)) return;
  if (const JsonView member = object.find(key); member.present()) return replace(member, json);
  splices_.push_back(
      {Act::append, object.index_, object.parent_, std::string(key), std::string(json)});
}

void Body::prepend(JsonView array, std::string_view json) {
  if (array.is(JsonType::array))
    splices_.push_back({Act::prepend, array.index_, array.parent_, {}, std::string(json)});
}

void Body::note(Act act, JsonView value, std::string_view text) {
  if (value.present())
    splices_.push_back({act, value.index_, value.parent_, {}, std::string(text)});
}

void Body::forget_splices() { splices_.clear(); }

/// Turns what happens to one container's children into cuts with the right commas.
void Body::cut_container(std::uint32_t container, const std::vector<const Splice*>& of_it,
                         std::vector<Cut>& cuts) const {
  const JsonView view(root().nodes_, bytes_.data(), container, JsonView::kNoParent);
  std::vector<std::uint32_t> removed;
  std::string added_first;
  std::string added_last;
  for (const Splice* s : of_it) {
    if (s->act == Act::remove) removed.push_back(s->node);
    if (s->act == Act::prepend) added_first.insert(0, s->text + ",");
    const auto is_later = [&](const Splice* other) {
      return other->act == Act::append && other > s && other->key == s->key;
    };
    if (s->act == Act::append && std::none_of(of_it.begin(), of_it.end(), is_later))
      added_last += "," + json::quote(s->key) + ":" + s->text;
  }
  std::sort(removed.begin(), removed.end());

  std::size_t kept_end = 0;   // end of the last child that stays; 0: none so far
  std::size_t gap_begin = 0;  // where a run of removed children begins
  std::size_t gap_end = 0;
  bool in_gap = false;
  auto next_removed = removed.begin();
  for (JsonView child = view.first(); child.present(); child = child.after()) {
    if (next_removed != removed.end() && *next_removed == child.index_) {
      ++next_removed;
      if (!in_gap) gap_begin = child.key_begin();
      in_gap = true;
      gap_end = child.end();
      continue;
    }
    if (in_gap)
      cuts.push_back({gap_begin, child.key_begin(), {}});  // the comma before the run stays
    in_gap = false;
    kept_end = child.end();
  }
  if (in_gap) {
    if (kept_end != 0) gap_begin = kept_end;  // the comma goes with the last child
    cuts.push_back({gap_begin, gap_end, {}});
  }

  const std::size_t inside = view.begin() + 1;
  if (!added_first.empty()) {
    if (kept_end == 0) added_first.pop_back();
    cuts.push_back({inside, inside, std::move(added_first)});
  }
  if (!added_last.empty()) {
    if (kept_end == 0) added_last.erase(0, 1);
    const std::size_t at = kept_end == 0 ? inside : kept_end;
    cuts.push_back({at, at, std::move(added_last)});
  }
}

std::vector<Body::Cut> Body::cuts() const {
  std::vector<Cut> cuts;
  std::vector<const Splice*> of_values;
  std::vector<std::pair<std::uint32_t, const Splice*>> of_containers;
  for (const Splice& s : splices_) {
    if (s.act == Act::replace || s.act == Act::remove)
      of_values.push_back(&s);
    else
      of_containers.emplace_back(s.node, &s);
  }
  // Ties stay in the order of the calls: that is their order in splices_.
  std::sort(of_values.begin(), of_values.end(), [](const Splice* a, const Splice* b) {
    return a->node != b->node ? a->node < b->node : a < b;
  });
  for (std::size_t i = 0; i < of_values.size(); ++i) {
    const Splice& s = *of_values[i];
    if (i + 1 < of_values.size() && of_values[i + 1]->node == s.node) continue;  // a later one wins
    if (s.act == Act::remove && s.parent != JsonView::kNoParent) {
      of_containers.emplace_back(s.parent, &s);
    } else if (s.act == Act::replace) {
      const JsonView value(root().nodes_, bytes_.data(), s.node, s.parent);
      cuts.push_back({value.begin(), value.end(), s.text});
    }
  }
  std::sort(of_containers.begin(), of_containers.end());
  std::vector<const Splice*> group;
  for (std::size_t i = 0; i < of_containers.size(); ++i) {
    group.push_back(of_containers[i].second);
    if (i + 1 < of_containers.size() && of_containers[i + 1].first == of_containers[i].first)
      continue;
    cut_container(of_containers[i].first, group, cuts);
    group.clear();
  }
  std::sort(cuts.begin(), cuts.end(), [](const Cut& a, const Cut& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  return cuts;
}

std::string Body::spliced() && {
  return splices_.empty() ? std::move(bytes_) : std::as_const(*this).spliced();
}

std::string Body::spliced() const& {
  if (splices_.empty()) return bytes_;
  const std::vector<Cut> edits = cuts();
  std::string out;
  std::size_t size = bytes_.size();
  for (const Cut& cut : edits) size += cut.text.size();
  out.reserve(size);
  std::size_t done = 0;
  for (const Cut& cut : edits) {
    if (cut.begin < done) continue;  // inside something that is already gone
    out.append(bytes_, done, cut.begin - done);
    out += cut.text;
    done = cut.end;
  }
  out.append(bytes_, done);
  return out;
}

}  // namespace glmgate::protocol
