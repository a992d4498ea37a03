#include "vec/commands.h"

#include <array>

#include "command.h"

namespace turnstile::cli {

namespace {

constexpr auto kMetrics = std::to_array<std::string_view>({"cosine", "l2", "ip", "hamming"});
constexpr auto kTypes = std::to_array<std::string_view>({"float32", "int8", "bit"});
constexpr auto kStorages = std::to_array<std::string_view>({"packed", "sqlite-vec"});
constexpr auto kCodes = std::to_array<std::string_view>({"int8", "bit"});

constexpr Positional kName = {"NAME", "the collection"};
constexpr auto kDbAndName = std::to_array<Positional>({kDb, kName});

constexpr Flag kMetric = {
    "--metric", "METRIC", "what distance is: cosine (default), l2, ip, or hamming for bits",
    '\0',       false,    Words::Choices,
    kMetrics};
constexpr Flag kType = {"--type", "TYPE", "what the numbers are (default float32)",
                        '\0',     false,  Words::Choices,
                        kTypes};
constexpr Flag kStorage = {
    "--storage", "STORAGE", "packed (default), or sqlite-vec for other programs that use it",
    '\0',        false,     Words::Choices,
    kStorages};
constexpr Flag kCodesFlag = {
    "--codes", "CODES", "first pass of packed floats: int8 (default, exact) or bit (faster)",
    '\0',      false,   Words::Choices,
    kCodes};
constexpr Flag kColumn = {"--column", "NAME:TYPE",
                          "a column for filters: text, integer or real; may be repeated", '\0',
                          true};
constexpr Flag kPartition = {"--partition", "NAME:TYPE",
                             "a column by which the vectors lie apart: text or integer"};

// create
constexpr auto kCreateFlags = std::to_array<Flag>({
    {.name = "--dim", .value = "N", .help = "numbers in a vector", .required = true},
    {"--model", "NAME", "the model that the vectors come from"},
    kMetric,
    kType,
    kStorage,
    kCodesFlag,
    kColumn,
    kPartition,
});
constexpr auto kCreateExamples = std::to_array<Example>({
    {"turnstile vec create app.db notes --dim 384 --model all-MiniLM-L6-v2", "for text embeddings"},
    {"turnstile vec create app.db notes --dim 384 --column lang:text --partition tenant:integer",
     "with filters"},
});

// put
constexpr auto kPutExamples = std::to_array<Example>({
    {"turnstile vec put app.db notes < notes.jsonl", "one item a line"},
    {"echo '{\"id\": \"a\", \"vector\": [1, 0], \"lang\": \"de\"}' | turnstile vec put app.db "
     "notes",
     "with a column"},
});

// get, delete
constexpr auto kGetPositionals = std::to_array<Positional>({kDb, kName, {"ID", "the item"}});
constexpr auto kGetExamples = std::to_array<Example>({
    {"turnstile vec get app.db notes a", "as put takes it"},
});
constexpr auto kDeletePositionals =
    std::to_array<Positional>({kDb, kName, {"ID", "the items", true, Words::Any, {}, true}});
constexpr auto kDeleteExamples = std::to_array<Example>({
    {"turnstile vec delete app.db notes a b c", "three items"},
});

// search
constexpr auto kSearchFlags = std::to_array<Flag>({
    {.name = "--vector",
     .value = "JSON",
     .help = "what to be near to, an array of numbers; - reads it from standard input",
     .required = true},
    {"--limit", "COUNT", "at most so many (default 5)", 'k'},
    {"--where", "EXPR", "only items for which that holds: lang = 'de' AND year >= 2020"},
    {"--max-distance", "D", "only items that are at most so far"},
    {"--rerank", "FACTOR", "with codes of bits: compare so many times COUNT exactly (default 32)"},
});
constexpr auto kSearchExamples = std::to_array<Example>({
    {"turnstile vec search app.db notes --vector '[1, 0]' -k 3", "the three nearest"},
    {"turnstile vec search app.db notes --vector - --where \"lang IN ('de', 'en')\" < query.json",
     "of two languages"},
});

// info
constexpr auto kInfoPositionals =
    std::to_array<Positional>({kDb, {"NAME", "the collection; without it, all of them", false}});
constexpr auto kInfoFlags = std::to_array<Flag>({
    {"--check", "", "compare all that is stored with each other; status 2 when something is wrong"},
});
constexpr auto kInfoExamples = std::to_array<Example>({
    {"turnstile vec info app.db", "what collections there are"},
    {"turnstile vec info app.db notes --check", "and whether this one is whole"},
});

// rebuild
constexpr auto kRebuildFlags = std::to_array<Flag>({
    {"--dim", "N", "begin anew with so many numbers in a vector"},
    {"--model", "NAME", "begin anew with the vectors of another model"},
    kMetric,
    kType,
    kStorage,
    kCodesFlag,
    kColumn,
    kPartition,
});
constexpr auto kRebuildExamples = std::to_array<Example>({
    {"turnstile vec rebuild app.db notes", "after many deletions"},
    {"turnstile vec rebuild app.db notes --dim 768 --model large --yes", "for another model"},
});

constexpr auto kCommands = std::to_array<Command>({
    {"vec create", "make a collection of vectors",
     "What is said of it here is fixed. Makes no database; `turnstile init` does.", kDbAndName,
     kCreateFlags, kCreateExamples, run_vec_create},
    {"vec put",
     "insert or replace items, from standard input",
     "Each line is a JSON object with `id`, `vector`, a member for each column of the collection, "
     "and if wanted `payload` (any JSON) and `version` (an item does not replace one of a higher "
     "version). Lines are stored in batches, each in a transaction. A line that cannot be stored "
     "is named and ends the command; the batches before it stay, and can be put again.",
     kDbAndName,
     {},
     kPutExamples,
     run_vec_put},
    {"vec get",
     "print an item",
     "As the JSON object that `turnstile vec put` takes. Ends with 4 when there is none.",
     kGetPositionals,
     {},
     kGetExamples,
     run_vec_get},
    {"vec search", "find the nearest items",
     "Nearest first. Conditions are =, <, <=, >, >=, BETWEEN and IN on columns of the collection, "
     "joined by AND; items for which they do not hold are not counted. Ends with 1 when nothing "
     "is found.",
     kDbAndName, kSearchFlags, kSearchExamples, run_vec_search},
    {"vec delete",
     "remove items",
     "All in one transaction. Ends with 1 when one of them was not there.",
     kDeletePositionals,
     {},
     kDeleteExamples,
     run_vec_delete},
    {"vec info", "show collections, and check them", "", kInfoPositionals, kInfoFlags,
     kInfoExamples, run_vec_info},
    {"vec rebuild", "move items together, or begin a collection anew",
     "Without flags: moves items into as few blocks as they need, in short transactions, so that "
     "pages come free; `turnstile vacuum` gives them back to the system.\n\n"
     "With another definition: drops all vectors, and marks all ids as to be embedded again. "
     "What is not said stays as it was. That needs --yes.",
     kDbAndName, kRebuildFlags, kRebuildExamples, run_vec_rebuild},
});

constexpr Group kGroup = {
    "vec", "vectors and what is near to them",
    "Collections of embeddings in the database. The commands that use a collection of the storage "
    "sqlite-vec need its library, which the environment variable TURNSTILE_VEC0 names.",
    kCommands};

}  // namespace

const Group& vec_group() noexcept;
const Group& vec_group() noexcept {
  return kGroup;
}

}  // namespace turnstile::cli
