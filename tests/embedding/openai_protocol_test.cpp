// What an embedding server is asked, and which of its answers are taken.
#include "embedding/openai_protocol.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace holdfast::embedding {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(std::string_view body, std::size_t texts = 1, std::size_t dimensions = 2) {
  const auto answer = parse_answer(body, texts, dimensions);
  return answer ? "taken" : answer.error().message;
}

TEST(Request, NamesModelAndTextsInOrder) {
  const std::vector<std::string> texts{"first \"quoted\"", "zweiter – Text", std::string("bad \xff byte")};
  const auto sent = nlohmann::json::parse(render_request("some/model", texts));
  EXPECT_EQ(sent["model"], "some/model");
  EXPECT_EQ(sent["encoding_format"], "float");
  EXPECT_EQ(sent["input"], (nlohmann::json{"first \"quoted\"", "zweiter – Text", "bad \xEF\xBF\xBD byte"}));
}

TEST(Answer, IsInTheOrderOfTheTextsWhateverItsOwn) {
  const auto answer = parse_answer(
      R"({"object":"list","data":[{"index":1,"embedding":[0,-2]},{"index":0,"embedding":[0.5,0.25]}],"usage":{}})",
      2, 2);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(*answer, ElementsAre(text::Embedding{127, 64}, text::Embedding{0, -127}));
}

TEST(Answer, KeepsItsDirectionAtAnyScale) {
  for (const auto* body : {R"({"data":[{"index":0,"embedding":[3e-300,-1.5e-300]}]})",
                           R"({"data":[{"index":0,"embedding":[3e300,-1.5e300]}]})",
                           R"({"data":[{"index":0,"embedding":[6,-3]}]})"}) {
    const auto answer = parse_answer(body, 1, 2);
    ASSERT_TRUE(answer) << body;
    EXPECT_THAT(answer->front(), ElementsAre(127, -64)) << body;
  }
}

TEST(Answer, IsRefusedWholeWhenAnythingIsWrong) {
  EXPECT_THAT(refusal("<html>"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(""), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(refusal(R"({"error":{"message":"x"}})"), HasSubstr("data"));
  EXPECT_THAT(refusal(R"({"data":[]})"), HasSubstr("0 embeddings for 1"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,2]}]})", 2), HasSubstr("1 embeddings for 2"));
  EXPECT_THAT(refusal(R"({"data":[{"embedding":[1,2]}]})"), HasSubstr("lacks"));
  EXPECT_THAT(refusal(R"({"data":[7]})"), HasSubstr("lacks"));
  EXPECT_THAT(refusal(R"({"data":[{"index":-1,"embedding":[1,2]}]})"), HasSubstr("lacks"));
  EXPECT_THAT(refusal(R"({"data":[{"index":1,"embedding":[1,2]}]})"), HasSubstr("out of range"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,2]},{"index":0,"embedding":[1,2]}]})", 2),
              HasSubstr("twice"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,2,3]}]})"),
              HasSubstr("3 dimensions instead of 2"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":"AACAPw=="}]})"), HasSubstr("no array"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,null]}]})"), HasSubstr("no number"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,"2"]}]})"), HasSubstr("no number"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,NaN]}]})"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[1,1e999]}]})"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal(R"({"data":[{"index":0,"embedding":[0,0.0]}]})"), HasSubstr("zeros"));
}

TEST(AnswerLimit, HoldsTheLongestHonestAnswer) {
  nlohmann::json answer;
  for (int i = 0; i < 3; ++i) {
    answer["data"].push_back({{"object", "embedding"},
                              {"index", i},
                              {"embedding", std::vector<double>(1536, -1.2345678901234567e-10)}});
  }
  EXPECT_LT(answer.dump(1).size(), answer_limit(3, 1536));
}

}  // namespace
}  // namespace holdfast::embedding
