"""What a config asks to import, in the words of the importer."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.config.imports import ImportsConfig, ImportTeacherConfig
from shazam.digest import digest_of, digest_of_file
from shazam.errors import CohortError, ConfigError
from shazam.features.imports.asked import files_asked_for
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.sources import SourceFile
from shazam.features.imports.teacher import ImportedTeacher


@dataclass(frozen=True, slots=True)
class PlannedImport:
    """The features of one teacher, before any of them is read."""

    teacher: ImportedTeacher
    options: ImportOptions
    files: tuple[SourceFile, ...]

    def source_digest(self) -> str:
        """Return a digest of the bytes of all files, their names and cases.

        Raises:
            CohortError: a file cannot be read.
        """
        try:
            contents = [
                (file.path.name, file.case_id, digest_of_file(file.path)) for file in self.files
            ]
        except OSError as error:
            raise CohortError("imports", [f"{error.filename}: {error.strerror}"]) from error
        return digest_of(sorted(contents, key=str))

    def check_unchanged(self, digest: str) -> None:
        """Refuse files that are not those which the run began with.

        Raises:
            ConfigError: a file changed, came or went.
        """
        if self.source_digest() != digest:
            raise ConfigError(
                f"the files of teacher '{self.teacher.name}' changed since the run began; run again"
            )


def planned_imports(imports: ImportsConfig) -> tuple[PlannedImport, ...]:
    """Return what each teacher's part of the section asks for; see :func:`planned_import`."""
    return tuple(planned_import(teacher, imports=imports) for teacher in imports.teachers)


def planned_import(config: ImportTeacherConfig, *, imports: ImportsConfig) -> PlannedImport:
    """Return what one teacher's part of the section asks for.

    Raises:
        ConfigError: its keys do not belong together.
        CohortError: files are missing; all are listed.
    """
    options = ImportOptions(
        levels=tuple(config.levels),
        datasets=config.arrays,
        layout=config.layout,
        ids=config.ids,
        group=config.group,
        labels=config.labels,
        classes=config.classes,
        coords_unit=config.coords_unit,
        mpp=config.mpp,
        dtype=imports.dtype_of(config),
        missing_values=imports.missing_values,
    )
    return PlannedImport(
        teacher=ImportedTeacher(
            config.name, config.revision, config.licence, config.weights_sha256
        ),
        options=options,
        files=files_asked_for(
            config.paths,
            feature_map=config.feature_map,
            feature_root=config.feature_root,
            teacher=config.name,
            is_table=options.is_table,
        ),
    )
