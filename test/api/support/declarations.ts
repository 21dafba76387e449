import { copyFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { libraries } from './packages.ts'

const OPTIONS: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: ['node'],
  preserveSymlinks: true,
}

const consumer = fileURLToPath(new URL('../fixtures/consumer.ts', import.meta.url))

/** Compiles a user of all doors as it would be compiled where they are installed. */
export function compileConsumer(project: string, options: ts.CompilerOptions = {}): ts.Program {
  const doors = path.join(project, 'doors.ts')
  const imports = libraries.flatMap((library) => library.doors)
  writeFileSync(doors, imports.map((door, at) => `export * as d${at} from '${door}'\n`).join(''))
  const file = path.join(project, 'consumer.ts')
  copyFileSync(consumer, file)
  return ts.createProgram([doors, file], { ...OPTIONS, ...options })
}

/** What the compiler has to say of our declarations and their user; those of others are theirs to check. */
export function complaintsOf(program: ts.Program): string[] {
  const ours = program
    .getSourceFiles()
    .filter(({ fileName }) => !/\/node_modules\/(?!@tailproxy\/)/.test(fileName))
    .filter((file) => !program.isSourceFileDefaultLibrary(file))
  const diagnostics = ours.flatMap((file) => [
    ...program.getSyntacticDiagnostics(file),
    ...program.getSemanticDiagnostics(file),
  ])
  return diagnostics.map(({ file, start = 0, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0
    return `${file?.fileName}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/** Every place in the declarations of our packages whose type is `any`, written or come by. */
export function anysOf(program: ts.Program): string[] {
  const checker = program.getTypeChecker()
  const found: string[] = []
  for (const file of program.getSourceFiles()) {
    if (!file.isDeclarationFile || !file.fileName.includes('/node_modules/@tailproxy/')) continue
    const visit = (node: ts.Node): void => {
      // A piece of a template is no type of its own.
      const isType = ts.isTypeNode(node) && !ts.isTemplateLiteralTypeSpan(node)
      const isTyped = isType || (ts.isIdentifier(node) && isDeclared(node))
      if (isTyped && checker.getTypeAtLocation(node).flags & ts.TypeFlags.Any) {
        const { line } = file.getLineAndCharacterOfPosition(node.getStart())
        found.push(`${file.fileName.split('/node_modules/').at(-1)}:${line + 1} ${node.getText()}`)
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return found
}

/** Whether it names what its parent declares, rather than something from elsewhere. */
function isDeclared(node: ts.Identifier): boolean {
  const { parent } = node
  return (
    (ts.isVariableDeclaration(parent) ||
      ts.isParameter(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isPropertyDeclaration(parent)) &&
    parent.name === node &&
    !isPrivate(parent)
  )
}

/** A private field has no type in a declaration. */
function isPrivate(node: ts.Node): boolean {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node) ?? []).some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
  )
}
