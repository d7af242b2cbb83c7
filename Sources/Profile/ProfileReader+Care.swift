import Agent
import Core
import Uplink

/// Who may care for the device from afar, and for what they may ask.
extension ProfileReader {
  mutating func readCare(_ root: inout ObjectReader) {
    guard var care = root.object("care", &problems) else { return }
    configuration.careOffset = care.offset
    var spec = CareSpec()
    if care.lacks("keys") {
      error(care.offset, "/care", "\"keys\" is missing: the public keys of those who may ask")
    }
    readKeys(&care, &spec)
    if care.lacks("allow") {
      error(
        care.offset, "/care", "\"allow\" is missing: what may be asked for, such as [\"status\"]")
    }
    let tasks: [CareTask] = [.status, .log, .restart, .profile]
    if let indices = care.wordIndices("allow", &problems, tasks.map { $0.word }, "tasks") {
      for index in indices { spec.allowed.insert(tasks[index]) }
    }
    let offset = care.offset
    if let bytes = care.size("maxProfile", &problems, from: 1024, to: 256 << 10) {
      spec.profileBytesMax = bytes
      if !spec.allowed.contains(.profile) {
        error(offset, care.path("maxProfile"), "goes only with \"profile\" in allow")
      }
    }
    care.finish(&problems)
    if configuration.uplink.packetBytes < 2048 {
      error(offset, "/care", "answers want an uplink.packet of 2KiB and more")
    }
    configuration.care = spec
    configuration.uplink.takesLargeMessages = spec.isOn
  }

  private mutating func readKeys(_ care: inout ObjectReader, _ spec: inout CareSpec) {
    let most = CareSpec.keysMax
    let what = "an array of 1 to " + text(Int64(wide: most)) + " public keys"
    let nodes = care.expect("keys", what, &problems) { node in
      if case .array(let nodes) = node.value, !nodes.isEmpty, nodes.count <= most {
        nodes
      } else {
        nil
      }
    }
    for (place, node) in (nodes ?? []).enumerated() {
      let pointer = care.path("keys") + "/" + text(Int64(wide: place))
      guard case .string(let characters) = node.value, let key = Self.key(characters) else {
        error(
          node.offset, pointer,
          "expected the base64 of a public key of Ed25519, 44 characters, as sandpiper-lab care keygen "
            + "prints it")
        continue
      }
      if spec.has(key) { error(node.offset, pointer, "this key stands here twice") }
      spec.add(key)
    }
  }

  /// The key of 32 bytes; nil for anything else. Points of small order that somebody might take for a place
  /// to fill in, zeros above all, are none: everybody can sign for them.
  private static func key(_ characters: [UInt8]) -> CareKey? {
    var isBase64 = false
    let bytes = [UInt8](capacity: 33) { out in
      isBase64 = out.append(decodingBase64: characters.span)
    }
    guard isBase64, bytes.count == 32, bytes[1...30].contains(where: { $0 != bytes[1] })
    else { return nil }
    return CareKey(bytes.span)
  }
}
