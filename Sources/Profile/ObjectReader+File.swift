import Core

/// Whole files, whatever they describe: a profile, or what a simulated world is made of.
extension ObjectReader {
  /// The largest file, in bytes.
  package static var fileBytesMax: Int { 1 << 20 }

  /// The outermost object of a file, without what is for people and editors only; `what` is what it has to
  /// be, such as "a profile". Nil, after a problem, when there is nothing to be read.
  package static func file(
    _ bytes: [UInt8], _ what: StaticString, _ problems: inout [ProfileProblem]
  ) -> ObjectReader? {
    guard bytes.count <= fileBytesMax else {
      problems.append(
        ProfileProblem(
          isWarning: false, offset: 0, pointer: "", message: spelled(what) + " has at most 1 MiB"))
      return nil
    }
    var parser = ProfileParser()
    let root = parser.parse(bytes)
    problems += parser.problems
    guard let root else { return nil }
    var object = ObjectReader(root, pointer: "", &problems)
    _ = object.string("$schema", &problems)
    _ = object.string("description", &problems)
    return object
  }
}
