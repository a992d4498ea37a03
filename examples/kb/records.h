// What the knowledge base stores of files, as records. The tables follow from these descriptions.
#pragma once

#include <cstdint>
#include <string>

#include "file_stamp.h"
#include "turnstile/records.h"
#include "turnstile/value.h"

namespace kb {

/// A file that is text.
struct Document {
  std::int64_t id = 0;
  std::string path;
  std::int64_t size_bytes = 0;
  Time modified;
  turnstile::Blob text_hash;
  std::int64_t text_bytes = 0;
  bool truncated = false;
  std::int64_t chunk_count = 0;  ///< When it was stored; `kb stats` compares it with the rows.
  Time indexed_at;
};

/// A piece of a document's text. Never updated, but replaced, so that what belongs to an id (words,
/// vector) belongs to this text.
struct Chunk {
  std::int64_t id = 0;
  std::int64_t document_id = 0;
  std::int64_t position = 0;
  std::string body;
};

/// A file that is no document, remembered so that a re-scan need not open it again.
struct Skipped {
  std::string path;
  std::int64_t size_bytes = 0;
  Time modified;
  std::string reason;
};

}  // namespace kb

template <>
struct turnstile::Describe<kb::Document> {
  static constexpr auto table() {
    using kb::Document;
    return turnstile::table("document",                                     //
                            column<&Document::id>("id").primary_key(),      //
                            column<&Document::path>("path").unique(),       //
                            column<&Document::size_bytes>("size_bytes"),    //
                            column<&Document::modified>("modified"),        //
                            column<&Document::text_hash>("text_hash"),      //
                            column<&Document::text_bytes>("text_bytes"),    //
                            column<&Document::truncated>("truncated"),      //
                            column<&Document::chunk_count>("chunk_count"),  //
                            column<&Document::indexed_at>("indexed_at").updated());
  }
};

template <>
struct turnstile::Describe<kb::Chunk> {
  static constexpr auto table() {
    using kb::Chunk;
    return turnstile::table(
        "chunk",                                                                                 //
        column<&Chunk::id>("id").never_reused_primary_key(),                                     //
        column<&Chunk::document_id>("document_id").references<kb::Document>(OnDelete::Cascade),  //
        column<&Chunk::position>("position"),                                                    //
        column<&Chunk::body>("body"),                                                            //
        unique_index<&Chunk::document_id, &Chunk::position>("chunk_by_place"));
  }
};

template <>
struct turnstile::Describe<kb::Skipped> {
  static constexpr auto table() {
    using kb::Skipped;
    return turnstile::table("skipped",                                     //
                            column<&Skipped::path>("path").primary_key(),  //
                            column<&Skipped::size_bytes>("size_bytes"),    //
                            column<&Skipped::modified>("modified"),        //
                            column<&Skipped::reason>("reason"), without_rowid());
  }
};
