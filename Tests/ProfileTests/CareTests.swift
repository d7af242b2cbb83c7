import Agent
import Profile
import Testing

private let keys = [
  "AtUQSxK1I8ilGLS5G4NPip1D3MWuFVziUwjYMO/wS/w=", "NUknsjnLQoLTQcReMbCflrdPjTvgii7+UeQVa4YDlso=",
]

private func care(_ members: String, around: String = "") -> Reading {
  profile(around: #""care": {\#(members)}\#(around)"#)
}

@Test func careIsOffUnlessThereAreKeys() throws {
  let without = try #require(profile(around: #""uplink": {}"#).configuration)
  #expect(!without.care.isOn && !without.uplink.takesLargeMessages)
  let configuration = try #require(
    care(#""keys": ["\#(keys[0])", "\#(keys[1])"], "allow": ["status", "profile"]"#).configuration)
  #expect(configuration.care.keyCount == 2 && configuration.care.profileBytesMax == 16_384)
  #expect(configuration.care.key(1).withBytes { $0[0] } == 0x35)
  #expect(configuration.care.allowed.contains(.profile))
  #expect(!configuration.care.allowed.contains(.restart))
  #expect(configuration.uplink.takesLargeMessages)
}

@Test func careNamesKeysAndTasks() {
  #expect(
    care("").messages == [
      "/care: \"keys\" is missing: the public keys of those who may ask",
      "/care: \"allow\" is missing: what may be asked for, such as [\"status\"]",
    ])
  #expect(
    care(#""keys": ["\#(keys[0])"], "allow": ["reboot"]"#).messages == [
      "/care/allow/0: expected one of \"status\", \"log\", \"restart\", \"profile\", found \"reboot\""
    ])
  #expect(
    care(#""keys": ["\#(keys[0])", "\#(keys[0])"], "allow": ["status"]"#).messages == [
      "/care/keys/1: this key stands here twice"
    ])
  for wrong in ["[]", "{}", "[\"a\", \"b\", \"c\", \"d\", \"e\"]"] {
    #expect(
      care(#""keys": \#(wrong), "allow": ["status"]"#).messages[0]
        .hasPrefix("/care/keys: expected an array of 1 to 4 public keys"))
  }
}

@Test(arguments: [
  "\"\"", "1", "\"AtUQSxK1I8ilGLS5G4NPip1D3MWuFVziUwjYMO/wS/w\"", "\"AtUQSxK1I8ilGLS5\"",
  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
  "\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"",
  "\"7P///////////////////////////////////////38=\"",
])
func whatIsNoKeyIsNamed(key: String) {
  let reading = care(#""keys": [\#(key)], "allow": ["status"]"#)
  #expect(reading.messages.count == 1)
  #expect(
    reading.messages[0].hasPrefix("/care/keys/0: expected the base64 of a public key of Ed25519"))
}

@Test func aBoundGoesWithWhatItBounds() {
  let key = #""keys": ["\#(keys[0])"]"#
  let bound = care(key + #", "allow": ["profile"], "maxProfile": "64KiB""#)
  #expect(bound.configuration?.care.profileBytesMax == 65_536)
  #expect(
    care(key + #", "allow": ["status"], "maxProfile": "64KiB""#).messages == [
      "/care/maxProfile: goes only with \"profile\" in allow"
    ])
  #expect(care(key + #", "allow": ["profile"], "maxProfile": "1MiB""#).messages.count == 1)
  #expect(
    care(key + #", "allow": ["status"]"#, around: #", "uplink": {"packet": "1KiB"}"#).messages == [
      "/care: answers want an uplink.packet of 2KiB and more"
    ])
}
