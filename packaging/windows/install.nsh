; What the installer does, after its pages: files, menus, file types, Windows' list of programs.

Section
  Call UseScope
  Call Move
  Call EndRunning
  Call RemoveOlder
  SetOverwrite on
  !insertmacro InstallFiles
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  Call WriteShortcuts
  Call WriteAssociation
  Call WriteApplication
  Call TellShell
SectionEnd

Function Move ; away from another folder, where this one can be made
  StrCpy $3 $INSTDIR
  ReadRegStr $INSTDIR SHCTX "${UNINSTALL_KEY}" "InstallLocation"
  ${If} $INSTDIR != ""
  ${AndIf} $INSTDIR != $3
    Call EndRunning
    ClearErrors
    CreateDirectory "$3"
    ${If} ${Errors}
      Abort
    ${EndIf}
    Call RemoveOlder
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR" ; only if nothing of the person's is in it
  ${EndIf}
  StrCpy $INSTDIR $3
FunctionEnd

Function RemoveOlder
  ${If} ${FileExists} "$INSTDIR\uninstall.exe" ; it knows what its version brought
    DetailPrint "$(RemovingOlder)"
    ExecWait '"$INSTDIR\uninstall.exe" /S /UPGRADE _?=$INSTDIR' $0
    ${If} $0 <> 0
      StrCpy $1 "$(OlderStays)"
      Call GiveUp
    ${EndIf}
  ${EndIf}
FunctionEnd

Function WriteShortcuts
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "${PROGRAM}" "" "" "" "" "" "$(Comment)"
  ${If} $OnDesktop = 1
    CreateShortcut "$DESKTOP\${NAME}.lnk" "${PROGRAM}" "" "" "" "" "" "$(Comment)"
  ${EndIf}
FunctionEnd

Function WriteAssociation ; offered for .gguf; the program a person has chosen for it stays
  WriteRegStr SHCTX "Software\Classes\${CLASS}" "" "$(FileType)"
  WriteRegStr SHCTX "Software\Classes\${CLASS}\DefaultIcon" "" "${PROGRAM},0"
  WriteRegStr SHCTX "Software\Classes\${CLASS}\shell\open\command" "" '"${PROGRAM}" "%1"'
  WriteRegStr SHCTX "Software\Classes\.gguf\OpenWithProgids" "${CLASS}" ""
  ReadRegStr $0 HKCU "Software\Classes\.gguf" ""
  ReadRegStr $1 HKLM "Software\Classes\.gguf" ""
  ${If} $0$1 == ""
    WriteRegStr SHCTX "Software\Classes\.gguf" "" "${CLASS}"
  ${EndIf}
  WriteRegStr SHCTX "Software\Classes\Applications\${EXECUTABLE}.exe" "FriendlyAppName" "${NAME}"
  WriteRegStr SHCTX "Software\Classes\Applications\${EXECUTABLE}.exe\SupportedTypes" ".gguf" ""
  WriteRegStr SHCTX "Software\Classes\Applications\${EXECUTABLE}.exe\shell\open\command" "" '"${PROGRAM}" "%1"'
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities" "ApplicationName" "${NAME}"
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities" "ApplicationDescription" "$(Comment)"
  WriteRegStr SHCTX "${OWN_KEY}\Capabilities\FileAssociations" ".gguf" "${CLASS}"
  WriteRegStr SHCTX "Software\RegisteredApplications" "${NAME}" "${OWN_KEY}\Capabilities"
FunctionEnd

Function WriteApplication ; in Windows' list of installed programs, and for Win+R
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "DisplayIcon" "${PROGRAM},0"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "Publisher" "${NAME}"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr SHCTX "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "EstimatedSize" "$0"
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${UNINSTALL_KEY}" "NoRepair" 1
  WriteRegStr SHCTX "Software\Microsoft\Windows\CurrentVersion\App Paths\${EXECUTABLE}.exe" "" "${PROGRAM}"
FunctionEnd
