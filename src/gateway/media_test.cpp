#include "gateway/media.h"

#include <gtest/gtest.h>

namespace glmgate::gateway {
namespace {

TEST(media, a_type_is_known_in_any_case_and_with_any_parameters) {
  for (const char* type :
       {"text/event-stream", "Text/Event-Stream", "TEXT/EVENT-STREAM;charset=utf-8",
        "text/event-stream ; a=b", " text/event-stream\t", "text/event-stream;"})
    EXPECT_TRUE(is_media(type, "text/event-stream")) << type;
  for (const char* type : {"", "text/event", "text/event-streams", "application/json",
                           "application/json; text/event-stream", "text/event-stream/x"})
    EXPECT_FALSE(is_media(type, "text/event-stream")) << type;
  EXPECT_TRUE(is_media("Multipart/Form-Data; boundary=x", "multipart/"));
  EXPECT_FALSE(is_media("application/json", "multipart/"));
}

}  // namespace
}  // namespace glmgate::gateway
