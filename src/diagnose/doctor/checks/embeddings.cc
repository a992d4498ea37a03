// Whether collections of vectors are what the program's model makes. They are asked by SQL, as any
// table: this layer knows no subsystem.
#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

Finding check_collection(const Content& inside, const ExpectedEmbedding& expected) {
  const std::string name = '\'' + expected.collection + '\'';
  Finding finding;
  finding.status = CheckStatus::Warn;
  if (expected.dimension <= 0) {
    finding.title = "the model for " + name + " has no dimension";
    finding.cure = "Configure the provider of the embeddings with the dimension of its model.";
    return finding;
  }
  const Content::Answer answer =
      inside.ask("SELECT dimension, model FROM vector_collection WHERE name = " +
                 sql_text(expected.collection));
  if (!answer.problem.empty()) return unanswered(answer);
  if (answer.rows.empty()) {
    finding.title = "there is no collection " + name;
    finding.cure = "Check the name; the program makes the collection before it stores vectors.";
    return finding;
  }
  const std::string& stored = answer.rows.front()[0];
  const std::string configured = std::to_string(expected.dimension);
  if (stored == configured) return pass(name + " has vectors of dimension " + stored);
  finding.status = CheckStatus::Fail;
  finding.title = name + " has vectors of dimension " + stored +
                  ", and the configured model makes vectors of dimension " + configured;
  if (!answer.rows.front()[1].empty())
    finding.evidence = {"made by the model " + answer.rows.front()[1]};
  finding.cure = "Configure the former model, or rebuild the collection with the new one.";
  return finding;
}

}  // namespace

Findings check_embeddings(const Patient& patient) {
  if (patient.options.embeddings.empty()) return {skip("no provider of embeddings is configured")};
  const Content::Answer tables =
      patient.inside->ask("SELECT 1 FROM sqlite_schema WHERE name = 'vector_collection'");
  if (tables.problem.empty() && tables.rows.empty())
    return {skip("there are no collections of vectors in the file")};
  Findings findings;
  for (const ExpectedEmbedding& expected : patient.options.embeddings)
    findings.push_back(check_collection(*patient.inside, expected));
  return findings;
}

}  // namespace turnstile::diagnose
