// Turns texts into vectors, near each other when the texts are about the same.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace kb {

/// Threads: shared.
class Embedder {
 public:
  Embedder() = default;
  Embedder(const Embedder&) = delete;
  Embedder& operator=(const Embedder&) = delete;
  virtual ~Embedder() = default;

  /// Stored with the vectors: those of different models cannot be compared.
  [[nodiscard]] virtual std::string model() const = 0;
  [[nodiscard]] virtual int dimension() const = 0;
  /// A vector for each text, in their order. Takes its time: not to be called in a transaction.
  /// Throws std::runtime_error when there is none to be had.
  [[nodiscard]] virtual std::vector<std::vector<float>> embed(
      std::span<const std::string> texts) = 0;
};

/// The built-in stand-in for a model: counts words by their hashes. It finds texts with the same
/// words, and knows nothing of what they mean.
[[nodiscard]] std::unique_ptr<Embedder> make_hashing_embedder();

/// A model behind a program: `command` is run by the shell once, is given `{"texts": [...]}` in one
/// line, and answers `{"vectors": [[...], ...]}` in one line, as often as asked. The first answer
/// says what dimension it has. One that ends, or takes longer than a minute, is started anew at the
/// next call. Throws std::runtime_error.
[[nodiscard]] std::unique_ptr<Embedder> make_command_embedder(const std::string& command);

}  // namespace kb
