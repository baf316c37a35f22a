// What an upstream's error body says, whatever its shape. Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "protocol/dialect.h"

namespace glmgate::protocol {

struct Said {
  std::string code;  ///< as written, digits or a word
  std::string type;
  std::string message;
  std::string param;
  bool is_error = false;  ///< there was an error in it, in one of the known shapes
  // Whose envelope it came in, looked at and not assumed.
  bool is_openai = false;
  bool is_anthropic = false;
  bool is_glm = false;

  bool is_shaped_for(Protocol client) const;
};

bool is_digits(std::string_view text);

/// Nested {"error":{code,message}}, {"error":"text"}, flat {"code","msg"}, engines'
/// {"object":"error",...}, {"detail":...}. Nothing of it for what is not JSON.
Said read_said(std::string_view body);

/// Whether it complains of a prompt that does not fit, in the words of any engine or provider.
bool tells_full_context(const Said& said);

}  // namespace glmgate::protocol
