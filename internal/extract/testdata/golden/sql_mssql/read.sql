USE [Portal]
GO
SET ANSI_NULLS ON
GO
CREATE TABLE [dbo].[AspNetUsers](
	[Id] [nvarchar](450) NOT NULL,
	[UserName] [nvarchar](256) NULL,
	[NormalizedUserName] [nvarchar](256) NULL,
	[Email] [nvarchar](256) NULL,
	[PasswordHash] [nvarchar](max) NULL,
	[SecurityStamp] [nvarchar](max) NULL,
 CONSTRAINT [PK] PRIMARY KEY CLUSTERED ([Id] ASC)
) ON [PRIMARY]
GO
INSERT [dbo].[AspNetUsers] ([Id], [UserName], [NormalizedUserName], [Email], [PasswordHash], [SecurityStamp]) VALUES (N'1f', N'jdoe@lab.example', N'JDOE@LAB.EXAMPLE', N'jdoe@lab.example', N'AQAAAAEAACcQAAAAEInventedInventedInventedInventedInventedInvented', N'X7')
INSERT [dbo].[AspNetUsers] VALUES (N'2f', N'asmith', N'ASMITH', N'asmith@lab.example', N'AQAAAAEAACcQAAAAEInventedInventedInventedInventedInventedInvente2', N'X8')
GO
INSERT INTO [dbo].[Logins] ([Login], [Kennwort], [At]) VALUES (N'STMARY\jdoe', N'Winter''24\', CAST(N'2024-01-01T00:00:00.000' AS DateTime))
INSERT INTO [dbo].[Logins] ([Login], [Kennwort], [At]) VALUES
(N'STMARY\roe', 'Spring24', NULL),
(N'x', 'y', CAST(0x0000A1 AS DateTime))
GO
