// Embeds the contract. SwiftPM's own way writes an array literal, on which the compiler spends a minute; this takes
// milliseconds, and the files stay where people look for them.

#include "contract.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char yaml[] = {
#embed "../../openapi.yaml"
};

static const unsigned char json[] = {
#embed "../../openapi.json"
};

const struct contract_document contract_yaml = {yaml, sizeof yaml};
const struct contract_document contract_json = {json, sizeof json};
