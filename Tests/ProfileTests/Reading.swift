import Profile

/// What the reader makes of a text.
struct Reading {
  let configuration: Configuration?
  /// What is wrong with the text, as `sandpiper check` says it of `FILE`.
  let told: [String]

  init(_ text: String, brokerURL: String? = nil) {
    let bytes = Array(text.utf8)
    let result = ProfileReader.read(bytes, brokerURL: brokerURL.map { Array($0.utf8) })
    configuration = result.configuration
    told = result.problems.map { $0.described(file: "FILE", in: bytes) }
  }

  /// The problems without their places in the file: pointer and message.
  var messages: [String] {
    told.map { problem in
      problem.split(separator: " ", maxSplits: 2).dropFirst(2).joined(separator: " ")
    }
  }

  /// What all problems say, for `contains`.
  var text: String { told.joined(separator: "\n") }
}

/// A profile of one point named `p`, given by its members; `more` are members of the top level.
func profile(point: String, _ more: String = "") -> Reading {
  profile("\"points\": {\"p\": {" + point + "}}" + (more.isEmpty ? "" : ", " + more))
}

/// A profile of a device named `d`, and the other members of the top level.
func profile(_ members: String, brokerURL: String? = nil) -> Reading {
  Reading("{\"device\": {\"id\": \"d\"}, " + members + "}", brokerURL: brokerURL)
}

/// A profile with one harmless point, and other members of the top level.
func profile(around members: String, brokerURL: String? = nil) -> Reading {
  profile("\"points\": {\"p\": {" + harmless + "}}, " + members, brokerURL: brokerURL)
}

/// A point about which nothing is wrong.
let harmless = #""kind": "input", "line": "GPIO17""#
