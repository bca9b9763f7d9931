// The API's contract as bytes in the program.

#ifndef CONTRACT_H
#define CONTRACT_H

#include <stddef.h>

/// A document in the program's read-only memory.
struct contract_document {
    const unsigned char *bytes;
    size_t count;
};

/// openapi.yaml.
extern const struct contract_document contract_yaml;

/// openapi.json.
extern const struct contract_document contract_json;

#endif
